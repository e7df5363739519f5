"""cli/digits.py and cli/output/progress.py."""

import json
import sys
from pathlib import Path

import pytest

from nnlaw.cli.main import run
from nnlaw.cli.output.progress import counting
from nnlaw.nn.data.layout import SYNTHETIC_MARKER
from nnlaw.nn.data.synthetic.digits import generate_digits


def test_written_digits_are_read_as_synthetic(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder can be trained on like MNIST, and output and summary call it synthetic."""
    assert run(["digits", "--count", "700", "--seed", "3", "made"]) == 0
    assert "700 synthetic digits" in capsys.readouterr().out
    assert len(list((workplace / "made").iterdir())) == 5 and (workplace / "made" / SYNTHETIC_MARKER).exists()
    assert run(["train", "made", "--epochs", "1", "--run", "here"]) == 0
    out = capsys.readouterr().out
    assert "Loading built-in synthetic dataset" in out and "Training: 600 images" in out
    assert "These are built-in synthetic digits" in out
    summary = json.loads((workplace / "here" / "summary.json").read_text())
    assert summary["synthetic"] and summary["data"] == "built-in synthetic digits"
    assert summary["digests"]["train_images"] == generate_digits(3, 600, 100).digests()["train_images"]


@pytest.mark.parametrize(("args", "words"), [(["--count", "5"], "count = 5"), (["--seed", "-1"], "--seed")])
def test_an_impossible_number_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], args: list[str], words: str
) -> None:
    """A wrong number gives one line and exit code 2, and no folder is created."""
    assert run(["digits", "made", *args]) == 2
    assert words in capsys.readouterr().err and not (workplace / "made").exists()


def test_files_are_never_overwritten(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that contains a file is refused."""
    (workplace / "train-images-idx3-ubyte").write_bytes(b"mine")
    assert run(["digits", "."]) == 2
    assert "expected a new or empty folder" in capsys.readouterr().err
    assert (workplace / "train-images-idx3-ubyte").read_bytes() == b"mine"


def test_a_bar_is_for_terminals_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal the bar names the work; elsewhere there is no callback."""
    with counting("drawing") as progress:
        assert progress is None
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with counting("drawing") as progress:
        assert progress is not None
        progress(1, 2)
    assert "drawing" in capsys.readouterr().err
