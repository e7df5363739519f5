"""Trainings that are killed or left without room go on as if undisturbed; one that does not is seen."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.stress.recovery import crash_recovery as kills
from nnlaw.nn.stress.recovery import disk_full as disk
from nnlaw.nn.stress.recovery.crash_recovery import killed
from nnlaw.nn.stress.recovery.disk_full import on_a_small_disk, without_room
from nnlaw.nn.stress.recovery.training_process import Training, epochs_begun, epochs_kept
from nnlaw.nn.stress.scenario import SCENARIOS, Context, run_scenario
from nnlaw.nn.stress.subprocess_run import Ending
from nnlaw.nn.training.checkpoint import NAME
from nnlaw.spec.violation import BadInput


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A small training that nothing disturbed."""
    return Training(tmp_path_factory.mktemp("training"), 0, batch_size=40)


def test_a_killed_training_goes_on(training: Training) -> None:
    """Killed and resumed, it ends as if undisturbed."""
    outcome = killed(training, np.random.default_rng(2), 1)
    assert outcome.as_expected, outcome.text
    assert outcome.metrics["kills"] == 1 and outcome.metrics["finished"] >= 1
    assert outcome.metrics["most_epochs_lost"] <= 1


def test_the_largest_file_has_no_room(training: Training) -> None:
    """A training whose pictures cannot be written says so, leaves no half file, and keeps its weights."""
    assert set(without_room(training, ("curves.png",)).values()) == {""}


def test_a_small_disk(training: Training) -> None:
    """A training on a disk that fills up is told so, and goes on elsewhere; or no such disk can be made here."""
    found = on_a_small_disk(training)
    assert found == "" or found.startswith("skipped")


def test_what_differs_is_seen(training: Training, tmp_path: Path) -> None:
    """A run that is not the undisturbed one is told apart by its first file that differs."""

    def spoilt(name: str, content: bytes) -> str:
        run = tmp_path / name
        shutil.copytree(training.truth, run)
        (run / name).write_bytes(content)
        return training.differs(run)

    truth = training.truth
    assert training.differs(truth) == ""
    weights = bytearray((truth / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    assert spoilt("weights.safetensors", bytes(weights)) == "weights.safetensors differs"
    assert spoilt("metrics.jsonl", (truth / "metrics.jsonl").read_bytes() + b'{"loss": 1}\n') == "metrics.jsonl differs"
    tree = unpack(truth / NAME)
    tree["trainer"]["w"][0] += 1
    assert spoilt(NAME, pack(tree)) == f"{NAME} differs"


def test_lost_epochs_are_seen(training: Training, tmp_path: Path) -> None:
    """A checkpoint that is older than one epoch, or damaged, is a fault."""
    run = tmp_path / "run"
    shutil.copytree(training.truth, run)
    assert kills._cost(run) == ("", 0)
    tree = unpack(run / NAME)
    (run / NAME).write_bytes(pack(tree | {"rows": tree["rows"][:-1]}))
    assert (epochs_begun(run), epochs_kept(run)) == (6, 5) and kills._cost(run) == ("", 1)
    (run / NAME).write_bytes(pack(tree | {"rows": tree["rows"][:-3]}))
    assert kills._cost(run) == ("3 epochs were lost", 3)
    (run / NAME).write_bytes((run / NAME).read_bytes()[:-4])
    assert "the checkpoint is damaged" in kills._cost(run)[0]


def test_a_wrong_ending_is_seen(training: Training, tmp_path: Path) -> None:
    """Without room, anything but one sentence with exit code 2 and a sound checkpoint is a fault."""
    sentence = "nn: r/x: could not be written: No space left on device\n"
    run = tmp_path / "run"
    run.mkdir()

    def fault(code: int, printed: str) -> str:
        return disk._fault(training, run, Ending(code, False, printed))

    assert fault(2, sentence) == ""
    assert "exit code 0" in fault(0, sentence)
    assert "2 lines" in fault(2, sentence + "and more\n")
    (run / ".x.tmp").write_bytes(b"half")
    assert fault(2, sentence) == ".x.tmp was left behind"
    (run / ".x.tmp").unlink()
    (run / NAME).write_bytes(b"half")
    assert "the checkpoint is damaged" in fault(2, sentence)
    shutil.copy(training.truth / NAME, run)
    assert "could not be resumed" in fault(2, sentence)


def test_a_fault_ends_a_run_and_is_told(training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run that came to its end differs, the drill fails, and says how."""
    monkeypatch.setattr(Training, "begin", lambda self, run: None)
    monkeypatch.setattr(Training, "wait", lambda self, process: Ending(0, False, ""))
    monkeypatch.setattr(Training, "differs", lambda self, run: "weights.safetensors differs")
    outcome = killed(training, np.random.default_rng(2), 0)
    assert not outcome.as_expected and "first fault: after 0 kills: weights.safetensors differs" in outcome.text


def test_the_drills_are_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both drills are done by name, and judge what they see."""
    context = Context(None, None, tmp_path)  # type: ignore[arg-type]  # looks at neither run nor split
    monkeypatch.setattr(kills, "Training", lambda folder, seed: None)
    monkeypatch.setattr(kills, "killed", lambda training, rng, needed: kills.Observation(f"{needed}", True))
    assert run_scenario(SCENARIOS["kill-9"], context).observation.text == str(kills.QUICK)
    monkeypatch.setattr(disk, "Training", lambda folder, seed, batch_size: None)
    monkeypatch.setattr(disk, "without_room", lambda training, names: dict.fromkeys(names, ""))
    monkeypatch.setattr(disk, "on_a_small_disk", lambda training: "skipped: none")
    assert run_scenario(SCENARIOS["full-disk"], context).outcome == "passed"
    monkeypatch.setattr(disk, "on_a_small_disk", lambda training: "exit code 0")
    row = run_scenario(SCENARIOS["full-disk"], context)
    assert row.outcome == "failed" and "a small disk, batch 2: exit code 0" in row.observation.text


def test_a_training_that_fails_undisturbed_is_no_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drills do not begin where the undisturbed training does not end well."""
    monkeypatch.setattr(Training, "begin", lambda self, run: None)
    monkeypatch.setattr(Training, "wait", lambda self, process: Ending(2, False, "nn: no"))
    with pytest.raises(RuntimeError, match="ended with 2: nn: no"):
        Training(tmp_path, 0)


def test_a_picture_without_room_is_one_sentence(tmp_path: Path) -> None:
    """What a painter left half done is removed, and the refusal names the picture."""

    def paint(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match=r"curves.png: could not be written: No space left"):
        Run(tmp_path).write_picture("curves.png", paint)
    assert not list(tmp_path.iterdir())


def test_the_figures_of_a_killed_run_bear_a_cut_line(tmp_path: Path) -> None:
    """A line of metrics that the kill cut short counts for no epoch."""
    assert epochs_begun(tmp_path) == 0
    row = json.dumps({"epoch": 1, "train_accuracy": 1.0})
    (tmp_path / "metrics.jsonl").write_text(f"{row}\n{row[:-2]}")
    assert epochs_begun(tmp_path) == 1
