"""A training that is killed is resumed with the same result; a fault in it is found."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.stress.recovery import crash_recovery
from nnlaw.nn.stress.recovery.crash_recovery import kill_and_compare
from nnlaw.nn.stress.recovery.training_process import Training, epochs_saved, epochs_trained
from nnlaw.nn.stress.scenario import Context, run_scenario, scenarios
from nnlaw.nn.stress.subprocess_run import ProcessResult
from nnlaw.nn.training.checkpoint import NAME

pytestmark = pytest.mark.slow


def test_a_killed_training_is_resumed(training: Training) -> None:
    """Killed and resumed, it gives the same bits as the reference."""
    observation = kill_and_compare(training, np.random.default_rng(2), 1)
    assert observation.as_expected, observation.text
    assert observation.metrics["kills"] == 1 and observation.metrics["finished"] >= 1
    assert observation.metrics["most_epochs_lost"] <= 1


def test_lost_epochs_are_counted(training: Training, tmp_path: Path) -> None:
    """A checkpoint that is more than one epoch old, or damaged, is a fault."""
    run = tmp_path / "run"
    shutil.copytree(training.reference, run)
    assert crash_recovery._lost_epochs(run) == ("", 0)
    tree = unpack(run / NAME)
    (run / NAME).write_bytes(pack(tree | {"rows": tree["rows"][:-1]}))
    assert (epochs_trained(run), epochs_saved(run)) == (6, 5) and crash_recovery._lost_epochs(run) == ("", 1)
    (run / NAME).write_bytes(pack(tree | {"rows": tree["rows"][:-3]}))
    assert crash_recovery._lost_epochs(run) == ("3 epochs were lost", 3)
    (run / NAME).write_bytes((run / NAME).read_bytes()[:-4])
    assert "the checkpoint is damaged" in crash_recovery._lost_epochs(run)[0]


def test_a_fault_is_reported(training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a finished run differs from the reference, the scenario fails and shows the file."""
    monkeypatch.setattr(Training, "start", lambda self, run: None)
    monkeypatch.setattr(Training, "wait", lambda self, process: ProcessResult(0, False, ""))
    monkeypatch.setattr(Training, "difference", lambda self, run: "weights.safetensors differs")
    observation = kill_and_compare(training, np.random.default_rng(2), 0)
    assert not observation.as_expected
    assert "first fault: after 0 kills: weights.safetensors differs" in observation.text


def test_the_scenario_is_registered(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick run kills five times."""
    monkeypatch.setattr(crash_recovery, "Training", lambda folder, seed: None)
    monkeypatch.setattr(
        crash_recovery, "kill_and_compare", lambda training, rng, needed: crash_recovery.Observation(f"{needed}", True)
    )
    assert run_scenario(scenarios()["kill-9"], empty_context).observation.text == str(crash_recovery.QUICK)
