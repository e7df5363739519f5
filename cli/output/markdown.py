"""Print Markdown: formatted for the width of a terminal, unchanged in a pipe."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown

from nnlaw.cli.output.console import console
from nnlaw.cli.output.streams import echo


def print_markdown(text: str, out: Console | None = None) -> None:
    """Print a page to standard output, or to another console."""
    out = out or console()
    if out.is_terminal:
        out.print(Markdown(text, code_theme="ansi_dark"))  # a theme without a background
    else:
        echo(*text.rstrip("\n").split("\n"))
