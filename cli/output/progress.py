"""Progress on standard error, if it is a terminal.

    with counting("drawing digits") as progress: ... progress(done, total)
    with counting_files(12) as progress: ... progress.advance()
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress

from nnlaw.cli.output.console import console
from nnlaw.cli.output.streams import print_text

DELAY = 1.0  # seconds before the progress of files is shown
ERASE_REST = "\x1b[K"  # of the line


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


class FileProgress:
    """`checking file 3 of 12`, once it takes over a second, if standard error is a terminal."""

    def __init__(self, total: int, noun: str = "file") -> None:
        self.total, self.current, self.noun = total, 1, noun
        self.shown_from = time.monotonic() + DELAY
        self.is_shown = False

    def show(self) -> None:
        """Show the current file, if it is time."""
        if sys.stderr.isatty() and time.monotonic() > self.shown_from:
            print_text(f"\rchecking {self.noun} {self.current} of {self.total}{ERASE_REST}", err=True)
            self.is_shown = True

    def hide(self) -> None:
        """Erase the line."""
        if self.is_shown:
            print_text(f"\r{ERASE_REST}", err=True)
            self.is_shown = False

    def advance(self) -> None:
        """One more file is finished."""
        self.current = min(self.current + 1, self.total)
        self.show()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Erase the line while something is printed."""
        self.hide()
        yield
        self.show()


@contextmanager
def counting_files(total: int, noun: str = "file") -> Iterator[FileProgress]:
    """Show how many files are finished, until the block ends."""
    progress = FileProgress(total, noun)
    progress.show()
    try:
        yield progress
    finally:
        progress.hide()
