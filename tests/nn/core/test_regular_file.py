"""Pipes and folders in place of files: one sentence, exit code 2, and no command blocks."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlaw.cli.main import run

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(scope="module")
def trained(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stopped after its first epoch, and a picture."""
    place = tmp_path_factory.mktemp("trained")
    flags = ["--epochs", "2", "--stop-after", "1", "--batch-size", "100", "--layers", "dense:6 batchnorm dense:10"]
    assert run(["train", str(tiny_folder), *flags, "--run", str(place / "r"), "--json"]) == 0
    return place / "r"


@pytest.fixture
def folder(trained: Path, workplace: Path) -> Path:
    """A copy of the run to damage."""
    shutil.copytree(trained, workplace / "r")
    return workplace / "r"


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one-sentence message of a command that exits with code 2; it names no line of code."""
    capsys.readouterr()
    assert run(list(args)) == 2
    sentence = capsys.readouterr().err.strip()
    assert len(sentence.splitlines()) == 1 and ".py:" not in sentence
    assert "expected" in sentence or "is not a run folder" in sentence
    return sentence


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
@pytest.mark.parametrize("name", ["weights.safetensors", "checkpoint.safetensors", "record.json", "config.toml"])
def test_pipes_and_folders_in_place_of_files_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[Path], None]
) -> None:
    """By predict and resume, which do not block."""
    (folder / name).unlink()
    make(folder / name)
    assert name in refused(capsys, "predict", "r/curves.png", "--run", "r")
    if name != "weights.safetensors":  # resuming writes it anew
        assert name in refused(capsys, "train", "--resume", "r")


def test_a_pipe_in_place_of_a_failure_report_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By replay, which does not block."""
    (workplace / "failure").mkdir()
    os.mkfifo(workplace / "failure" / "signature.json")
    assert "signature.json: not a file" in refused(capsys, "replay", "failure")
