"""CS231n again, failing above the error at which the course writes "you should feel uncomfortable"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cs231n
from subjects import KINDS

from nnlaw.spec.subjects.unit import Unit

__all__ = ["KINDS", "harnesses"]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    return cs231n.harnesses(record, cs231n.UNCOMFORTABLE)
