"""Print Markdown: formatted for the width of a terminal, unchanged in a pipe."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markdown import Markdown


def print_markdown(text: str, console: Console | None = None) -> None:
    """Print a page to standard output, or to another console."""
    console = console or Console()
    if console.is_terminal:
        console.print(Markdown(text, code_theme="ansi_dark"))  # a theme without a background
    else:
        click.echo(text, nl=False)
