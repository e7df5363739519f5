"""The console of every command: width and color. Control characters in text from user files are made visible.

    out = console()                       standard output; console(stderr=True) for standard error
    out.print(styled("passed"))           green on a terminal

Color is used on a terminal; NO_COLOR turns it off, FORCE_COLOR turns it on in a pipe. On a terminal, lines wrap at its
width; in a pipe or a file they don't. COLUMNS sets the width of both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

from nnlaw.cli.output.streams import Stream, clean

PIPE_WIDTH = 1000  # columns of a pipe or a file, where lines should not wrap
MIN_WIDTH = 20
STYLES = {
    "pass": "green", "passed": "green", "fail": "red", "failed": "red", "error": "red",
    "partly checked": "yellow", "not checked": "yellow", "inconclusive": "yellow", "skipped": "yellow", "n.a.": "dim",
}  # fmt: skip


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Let BrokenPipeError reach cli.main, which ends the command."""
        raise

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does it; control characters are printed only if rich itself makes them."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=clean(segment.text))


def console(*, stderr: bool = False) -> Console:
    """A console for standard output or standard error that prints text as it is, without markup or highlighting."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else PIPE_WIDTH
    file: Any = Stream(err=stderr)
    return _Console(file=file, stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def styled(outcome: str, text: str = "") -> Text:
    """The outcome, or `text`, in the color of the outcome."""
    return Text(text or outcome, STYLES.get(outcome, ""))


@dataclass(frozen=True)
class Hanging:
    """Text after a prefix. It breaks between words, and the other lines are indented to the width of the prefix."""

    prefix: Text
    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        prefix = self.prefix
        for line in self.text.wrap(console, max(options.max_width - prefix.cell_len, MIN_WIDTH)) or [Text()]:
            whole = prefix + line
            whole.rstrip()
            yield whole
            prefix = Text(" " * prefix.cell_len)
