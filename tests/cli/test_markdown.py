"""cli/output/markdown.py: pages in a terminal and in a pipe."""

import io

import pytest
from rich.console import Console

from nnlaw.cli.output.markdown import print_markdown

PAGE = "# Title\n\nA paragraph of words.\n\n```text\nx = 1 + 2 + 3 + 4 + 5\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


def test_a_page_fits_the_terminal() -> None:
    """Headings, paragraphs, code and tables wrap at the width of the terminal."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=16)
    print_markdown(PAGE, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # it is a StringIO
    assert max(map(len, lines)) <= 16
    text = " ".join(" ".join(lines).split())
    assert all(words in text for words in ("Title", "A paragraph of", "x = 1 + 2 + 3 +", "a b", "1 2"))
    assert "```" not in text and "# Title" not in text


def test_a_page_in_a_pipe_is_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal the text is unchanged."""
    print_markdown(PAGE)
    assert capsys.readouterr().out == PAGE
