"""Whoever tells the user how a training goes; cli/output/train_output.py has those that speak."""

from __future__ import annotations

from typing import Any, Protocol


class Reporter(Protocol):
    """Whoever tells the user how it goes."""

    def stage(self, text: str) -> None: ...
    def advance(self, epoch: int, step: int, loss: float) -> None: ...
    def epoch(self, row: dict[str, Any]) -> None: ...


class Silent:
    """A reporter that says nothing."""

    def stage(self, text: str) -> None: ...
    def advance(self, epoch: int, step: int, loss: float) -> None: ...
    def epoch(self, row: dict[str, Any]) -> None: ...
