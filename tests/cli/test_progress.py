"""Progress on standard error."""

import io
import sys

import pytest

from nnlaw.cli.output import progress
from nnlaw.cli.output.progress import counting_files


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, delay: float) -> str:
    """All that is written to standard error while three files are checked."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "DELAY", delay)
    monkeypatch.setenv("TERM", "xterm")
    with counting_files(3) as files:
        for i in range(3):
            with files.hidden():
                stream.write(f"result {i}\n")
            files.advance()
    return stream.getvalue()


def test_the_current_file_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is removed before a result is printed."""
    text = shown(monkeypatch, Terminal(), -1.0)
    assert "checking file 1 of 3" in text and "checking file 3 of 3" in text and "4 of 3" not in text
    lines = [line.rpartition("\x1b[K")[2] for line in text.splitlines()]
    assert [line for line in lines if line.startswith("result")] == ["result 0", "result 1", "result 2"]


def test_a_short_check_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar appears after a second."""
    assert "checking file" not in shown(monkeypatch, Terminal(), 60.0)


def test_without_a_terminal_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the results."""
    assert shown(monkeypatch, io.StringIO(), -1.0) == "result 0\nresult 1\nresult 2\n"
