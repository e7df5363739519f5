"""Progress on standard error, if it is a terminal.

    with counting("drawing digits") as progress: ... progress(done, total)
    with counting_files(12) as progress: ... progress.advance()
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

from nnlaw.cli.output.console import console

DELAY = 1.0  # seconds before the progress of files is shown


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Draw a bar on a terminal and remove it at the end. Yields a function of how much is done of how much.

    Yields None if standard error is not a terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


class _DelayedProgress(Progress):
    """A bar that appears after a delay."""

    shown_from = math.inf  # until the constructor of Progress, which renders once, is done

    def __init__(self, *columns: ProgressColumn) -> None:
        super().__init__(
            *columns, console=console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.shown_from = time.monotonic() + DELAY

    def get_renderables(self) -> Iterator[RenderableType]:
        """Nothing before the delay is over."""
        if time.monotonic() > self.shown_from:
            yield from super().get_renderables()


class FileProgress:
    """`checking file 3 of 12`, once it takes over a second, if standard error is a terminal."""

    def __init__(self, total: int, noun: str = "file") -> None:
        self.bar: Progress | None = None
        if sys.stderr.isatty():
            text = f"checking {noun} {{task.fields[current]}} of {{task.total}}"
            self.bar = _DelayedProgress(TextColumn(text), BarColumn())
            self.task = self.bar.add_task("", total=total, current=1)
            self.current, self.total = 1, total

    def advance(self) -> None:
        """One more file is finished."""
        if self.bar is not None:
            self.current = min(self.current + 1, self.total)
            self.bar.update(self.task, advance=1, current=self.current)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Remove the bar while something is printed."""
        if self.bar is not None:
            self.bar.stop()
        yield
        if self.bar is not None:
            self.bar.start()


@contextmanager
def counting_files(total: int, noun: str = "file") -> Iterator[FileProgress]:
    """Show how many files are finished, until the block ends."""
    progress = FileProgress(total, noun)
    with progress.bar or nullcontext():
        yield progress
