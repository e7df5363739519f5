"""A training that runs out of disk space is refused in one sentence and can be resumed; a fault in it is found."""

import shutil
from pathlib import Path

import pytest

from nnlaw.nn.stress.recovery import disk_full
from nnlaw.nn.stress.recovery.disk_full import limit_file_sizes, train_on_small_disk
from nnlaw.nn.stress.recovery.training_process import Training
from nnlaw.nn.stress.scenario import Context, Skip, run_scenario, scenarios
from nnlaw.nn.stress.subprocess_run import ProcessResult
from nnlaw.nn.training.checkpoint import NAME

pytestmark = pytest.mark.slow


def test_the_largest_file_exceeds_the_limit(training: Training) -> None:
    """A training whose images can't be written is refused, leaves no partial file, and keeps its weights."""
    assert set(limit_file_sizes(training, ("curves.png",)).values()) == {""}


def test_a_small_disk(training: Training) -> None:
    """A training on a disk that fills up is refused, and can be resumed elsewhere."""
    try:
        assert train_on_small_disk(training) == ""
    except Skip as reason:
        pytest.skip(str(reason))


def test_other_results_are_faults(training: Training, tmp_path: Path) -> None:
    """Anything but one sentence, exit code 2 and a readable checkpoint is a fault."""
    sentence = "nn: r/x: could not be written: No space left on device\n"
    run = tmp_path / "run"
    run.mkdir()

    def fault(code: int, output: str) -> str:
        return disk_full._fault(training, run, ProcessResult(code, False, output))

    assert fault(2, sentence) == ""
    assert "exit code 0" in fault(0, sentence)
    assert "2 lines" in fault(2, sentence + "and more\n")
    (run / ".x.tmp").write_bytes(b"half")
    assert fault(2, sentence) == ".x.tmp was left behind"
    (run / ".x.tmp").unlink()
    (run / NAME).write_bytes(b"half")
    assert "the checkpoint is damaged" in fault(2, sentence)
    shutil.copy(training.reference / NAME, run)
    assert "could not be resumed" in fault(2, sentence)


def test_the_scenario_is_registered(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes if no small disk can be mounted, and fails with the fault of one."""

    def no_disk(training: object) -> str:
        raise Skip("no disk")

    monkeypatch.setattr(disk_full, "Training", lambda folder, seed, batch_size: None)
    monkeypatch.setattr(disk_full, "limit_file_sizes", lambda training, names: dict.fromkeys(names, ""))
    monkeypatch.setattr(disk_full, "train_on_small_disk", no_disk)
    row = run_scenario(scenarios()["full-disk"], empty_context)
    assert row.outcome == "passed" and "a small disk, batch 400: skipped, no disk" in row.observation.text
    monkeypatch.setattr(disk_full, "train_on_small_disk", lambda training: "exit code 0")
    row = run_scenario(scenarios()["full-disk"], empty_context)
    assert row.outcome == "failed" and "a small disk, batch 400: exit code 0" in row.observation.text
