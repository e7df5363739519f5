"""The progress of a training, as a protocol; cli/output/train_output.py has the one that prints."""

from __future__ import annotations

from typing import Any, Protocol


class Reporter(Protocol):
    """Receives the progress of a training."""

    def status(self, text: str) -> None:
        """Work begins that takes more than a moment."""

    def advance(self, epoch: int, step: int, loss: float) -> None:
        """`step` steps are done, the last one in `epoch`, with this loss."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done, with these metrics."""


class SilentReporter:
    """Prints nothing."""

    def status(self, text: str) -> None: ...
    def advance(self, epoch: int, step: int, loss: float) -> None: ...
    def epoch(self, row: dict[str, Any]) -> None: ...
