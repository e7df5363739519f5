"""nn digits as a user meets it."""

import json
import sys
from pathlib import Path

import pytest

from nnlaw.cli.main import run
from nnlaw.cli.output.progress import counting
from nnlaw.nn.data.layout import MARKER
from nnlaw.nn.data.synthetic.digits import built_in


def test_digits_are_written_and_trained_on_as_synthetic(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder trains like MNIST, and transcript and summary call it synthetic."""
    assert run(["digits", "--count", "700", "--seed", "3", "drawn"]) == 0
    assert "700 synthetic digits" in capsys.readouterr().out
    assert len(list((workplace / "drawn").iterdir())) == 5 and (workplace / "drawn" / MARKER).exists()
    assert run(["train", "drawn", "--epochs", "1", "--run", "here"]) == 0
    told = capsys.readouterr().out
    assert "Loading built-in synthetic dataset" in told and "drawn by code" in told and "Training: 600 images" in told
    summary = json.loads((workplace / "here" / "summary.json").read_text())
    assert summary["synthetic"] and summary["data"] == "built-in synthetic digits"
    assert summary["digests"]["train_images"] == built_in(3, 600, 100).digests()["train_images"]


@pytest.mark.parametrize(("args", "words"), [(["--count", "5"], "count = 5"), (["--seed", "-1"], "--seed")])
def test_what_cannot_be_drawn_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """A wrong number gives a sentence and exit code 2, and no folder is made."""
    assert run(["digits", "drawn", *args]) == 2
    assert words in capsys.readouterr().err and not (workplace / "drawn").exists()


def test_files_are_never_written_over(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that holds anything is refused."""
    (workplace / "train-images-idx3-ubyte").write_bytes(b"mine")
    assert run(["digits", "."]) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err
    assert (workplace / "train-images-idx3-ubyte").read_bytes() == b"mine"


def test_a_bar_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Elsewhere nobody listens; on a terminal the work is named while it is done."""
    with counting("drawing") as tell:
        assert tell is None
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with counting("drawing") as tell:
        assert tell is not None
        tell(1, 2)
    assert "drawing" in capsys.readouterr().err
