"""Print Markdown in a terminal, wrapped to its width: `print_markdown(text)`."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markdown import Markdown


def print_markdown(text: str, console: Console | None = None) -> None:
    """Print headings, paragraphs, code and tables to standard output, by default as wide as the terminal."""
    console = console or Console()
    with console.capture() as capture:
        console.print(Markdown(text, code_theme="ansi_dark", hyperlinks=False))  # a theme without background
    for line in capture.get().splitlines():
        click.echo(line.rstrip(), color=True)  # rich has decided about color; click handles a closed pipe
