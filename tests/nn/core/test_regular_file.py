"""Pipes and folders in place of files: one sentence, exit code 2, and no command blocks."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlaw.cli.main import run

pytestmark = pytest.mark.usefixtures("hasty")


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
    damaged_run: Path, capsys: pytest.CaptureFixture[str], name: str, make: Callable[[Path], None]
) -> None:
    """By predict and resume, which do not block."""
    (damaged_run / name).unlink()
    make(damaged_run / name)
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
