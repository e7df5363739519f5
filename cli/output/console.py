"""The console of every command: width, color, and text from user files made safe to print.

    out = console()                       standard output; console(stderr=True) for standard error
    out.print(styled("passed"))           green on a terminal
    clean(text)                           control characters and escape sequences shown as \\x1b

Color is used on a terminal; NO_COLOR turns it off, FORCE_COLOR turns it on in a pipe. On a terminal, lines wrap at its
width; in a pipe or a file they don't. COLUMNS sets the width of both.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

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


def console(*, stderr: bool = False) -> Console:
    """A console for standard output or standard error that prints text as it is, without markup or highlighting."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS", "").isdigit() else PIPE_WIDTH
    return _Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


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


def one_line(text: str) -> str:
    """`text` on a single line, safe to print."""
    return clean(" ".join(text.split()))


def clean(text: str) -> str:
    """`text` without what could change the terminal: tabs become spaces, other control characters their escapes."""
    return "".join(_visible(c) for c in text)


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return "    " if character == "\t" else character.encode("unicode_escape").decode()
