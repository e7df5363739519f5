"""This project: every law of the unit's kind, as `nn verify` checks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from nnlaw.nn.plugins.registry import KINDS
from nnlaw.spec.conformance import conformance
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import Violation

__all__ = ["KINDS", "harnesses"]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """All laws at once; each that is broken is a harness of its own."""
    yield "laws", lambda: None
    for violation in conformance(record).violations:
        yield f"{record.kind} {violation.law}", partial(_raise, violation)


def _raise(violation: Violation) -> None:
    raise violation
