"""A training in a process of its own, compared with a reference run."""

import json
import shutil
from pathlib import Path

import pytest

from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.stress.recovery.training_process import Training, epochs_trained
from nnlaw.nn.stress.subprocess_run import ProcessResult
from nnlaw.nn.training.checkpoint import NAME


@pytest.mark.slow
def test_the_first_difference_is_reported(training: Training, tmp_path: Path) -> None:
    """A run that differs from the reference is reported by its first file that differs."""

    def difference(name: str, content: bytes) -> str:
        run = tmp_path / name
        shutil.copytree(training.reference, run)
        (run / name).write_bytes(content)
        return training.difference(run)

    reference = training.reference
    assert training.difference(reference) == ""
    weights = bytearray((reference / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    assert difference("weights.safetensors", bytes(weights)) == "weights.safetensors differs"
    metrics = (reference / "metrics.jsonl").read_bytes() + b'{"loss": 1}\n'
    assert difference("metrics.jsonl", metrics) == "metrics.jsonl differs"
    tree = unpack(reference / NAME)
    tree["trainer"]["w"][0] += 1
    assert difference(NAME, pack(tree)) == f"{NAME} differs"


@pytest.mark.slow
def test_a_reference_training_must_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the reference training fails, there is nothing to compare with."""
    monkeypatch.setattr(Training, "start", lambda self, run: None)
    monkeypatch.setattr(Training, "wait", lambda self, process: ProcessResult(2, False, "nn: no"))
    with pytest.raises(RuntimeError, match="failed with exit code 2: nn: no"):
        Training(tmp_path, 0)


def test_a_line_that_is_cut_off_is_ignored(tmp_path: Path) -> None:
    """A line of metrics that was being written during the kill counts for no epoch."""
    assert epochs_trained(tmp_path) == 0
    row = json.dumps({"epoch": 1, "train_accuracy": 1.0})
    (tmp_path / "metrics.jsonl").write_text(f"{row}\n{row[:-2]}")
    assert epochs_trained(tmp_path) == 1
