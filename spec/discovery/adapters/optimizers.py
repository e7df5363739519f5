"""Adapters for optimizers."""

from __future__ import annotations

from collections.abc import Iterator

from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.scope import Scope


def adapt(scope: Scope) -> Iterator[Found]:
    """What the scope holds of this kind."""
    yield from ()
