"""This project: every law that applies to the kind of the plugin, as `nn verify` judges them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from nn.registry import KINDS
from spec.conformance import conformance
from spec.record import Record

__all__ = ["KINDS", "NAME", "VERSION", "harnesses"]
NAME, VERSION = "nnlaw conformance", version("nnlaw")


def harnesses(record: Record) -> Iterator[tuple[str, Callable[[], Any]]]:
    """All laws at once."""

    def judge() -> None:
        for violation in conformance(record).violations:
            raise violation

    yield "laws", judge
