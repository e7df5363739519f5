"""Adversarial training: batches are perturbed, and everything else is as in any training."""

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.cli.main import run as cli
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.training.checkpoint import snapshot_tree
from nnlaw.nn.training.phase import Phase
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.violation import BadInput, Location, Violation

pytestmark = pytest.mark.usefixtures("hasty")
ALL = "dense:12 batchnorm relu dropout:0.2 dense:10"


def adversarial_settings(folder: Path, **given: Any) -> Settings:
    """A quick adversarial training."""
    return Settings(data=str(folder), adversarial=0.1, batch_size=64, layers=ALL, optimizer="adam", **given)


def test_batches_are_perturbed_within_eps_and_raise_the_loss(tiny_folder: Path) -> None:
    """Each batch differs by up to eps from the clean one, has possible pixels, and a higher loss once the network is
    trained."""
    settings = adversarial_settings(tiny_folder)
    clean_session, session = prepare(settings.with_changes({"adversarial": 0.0})), prepare(settings)
    for x, labels in islice(session.batches(1), 5):
        session.trainer.step(x, labels)
    split, white = session.split, 255 / session.split.deviation
    pairs = zip(clean_session.batches(2), session.batches(2), strict=True)
    for (clean, labels), (moved, same) in pairs:
        assert np.array_equal(labels, same) and moved.dtype == np.float32
        assert 0 < np.abs(moved - clean).max() <= 0.1 * white * (1 + 1e-5)
        assert moved.min() >= -split.mean / split.deviation - 1e-5
        assert moved.max() <= (255 - split.mean) / split.deviation + 1e-5
        one, two = (session.model.loss_and_grads(x, labels)[0] for x in (clean, moved))
        assert two > one or len(labels) < 10


@pytest.mark.slow
def test_adversarial_training_is_the_same_when_resumed_or_strict(tiny_folder: Path, tmp_path: Path) -> None:
    """Resumed or strict, it ends with the same bits, and config.toml records eps."""
    ends = []
    for name, strict, stop in (("uninterrupted", False, None), ("stopped", False, 1), ("strict", True, None)):
        folder = Run.create(tmp_path / name)
        session = prepare(adversarial_settings(tiny_folder, epochs=2, strict=strict))
        if session.train(folder, SilentReporter(), stop) is None:
            assert resume(folder, {}).train(folder, SilentReporter()) is not None
        ends.append((folder.folder / "weights.safetensors").read_bytes())
        assert read_settings(folder.folder / "config.toml")["adversarial"] == 0.1
    assert ends[0] == ends[1] == ends[2]
    with pytest.raises(BadInput, match="--adversarial"):
        resume(Run(tmp_path / "uninterrupted"), {"adversarial": 0.2, "epochs": 3})


def fail_later(session: Session, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, phase: Phase) -> None:
    """Let `owner.name` raise a violation in the third step of the second epoch."""
    original = getattr(owner, name)

    def fail(*args: Any) -> Any:
        if session.trainer.done == session.steps_per_epoch + 2 and session.phase is phase:
            monkeypatch.undo()
            raise Violation("finite", location=Location("here"), array="g", actual="nan", expected="a finite number")
        return original(*args)

    monkeypatch.setattr(owner, name, fail)


@pytest.mark.parametrize(("phase", "name"), [(Phase.STEP, "norms"), (Phase.PERTURB, "input_gradient")])
def test_a_failure_report_has_the_state_before_the_failure(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: Phase, name: str
) -> None:
    """If a law fails in a step, or while its batch is perturbed, the report has the state and the batch of that moment.
    """
    session, passing = (prepare(adversarial_settings(tiny_folder, epochs=3)) for _ in range(2))
    passing.train(Run.create(tmp_path / "passing"), SilentReporter(), 1)
    for x, labels in islice(passing.batches(2), 2):
        passing.trainer.step(x, labels)
    expected = snapshot_tree(passing.trainer.take_snapshot())
    fail_later(session, monkeypatch, session.trainer.flat if phase is Phase.STEP else session.model, name, phase)
    with pytest.raises(Violation, match="replay"):
        session.train(Run.create(tmp_path / "failed"), SilentReporter())
    found = unpack(tmp_path / "failed/failure/before.safetensors")
    assert pack(found["trainer"]) == pack(expected)
    assert json.loads((tmp_path / "failed/failure/signature.json").read_text())["phase"] == phase.value
    clean = prepare(adversarial_settings(tiny_folder).with_changes({"adversarial": 0.0}))
    x, labels = next(islice(clean.batches(2), 2, None))
    assert np.array_equal(found["labels"], labels)
    assert 0 < np.abs(found["x"] - x).max() <= 0.1 * 255 / clean.split.deviation * (1 + 1e-5)


def test_a_failure_while_perturbing_is_replayed(tiny_folder: Path, tmp_path: Path) -> None:
    """nn replay computes the gradient by the input again if a law failed there."""
    settings = adversarial_settings(tiny_folder, epochs=1, strict=True)
    session = prepare(settings.with_changes({"layers": "dense:12 relu dense:10"}))
    step = session.trainer.step

    def step_to_nan(x: Any, labels: Any) -> Any:
        metrics = step(x, labels)
        if metrics.step == 3:
            session.trainer.flat.w[0] = np.nan
        return metrics

    session.trainer.step = step_to_nan  # type: ignore[method-assign]  # one instance, for this test
    with pytest.raises(Violation) as first:
        session.train(Run.create(tmp_path / "run"), SilentReporter())
    signature = json.loads((tmp_path / "run/failure/signature.json").read_text())
    replayed = replay(tmp_path / "run/failure")
    assert signature["phase"] == "perturb" and replayed is not None
    assert (replayed.law, replayed.array, replayed.index) == (first.value.law, first.value.array, first.value.index)


MODEL = """
import numpy as np
from nn import model

@model("closed")
class Closed:
    def __init__(self, n_in, n_out, rng):
        self.params = {"W": np.zeros((n_in, n_out), np.float32)}
    def predict(self, x):
        return np.full((len(x), 10), 0.1, np.float32)
    def loss_and_grads(self, x, labels):
        return 1.0, {"W": np.zeros_like(self.params["W"])}
"""


def test_adversarial_training_without_input_gradient_is_refused(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model without input_gradient, and an invalid eps, exit with code 2."""
    Path("closed.py").write_text(MODEL)
    closed = ["--plugin", "closed.py", "--model", "closed"]
    for flags in (["--adversarial", "0.1", *closed], ["--adversarial", "-1"], ["--adversarial", "nan"]):
        assert cli(["train", str(tiny_folder), *flags, "--epochs", "1"]) == 2
        assert re.search("expected|needs a model with", capsys.readouterr().err)
    assert not Path("runs").exists()


@pytest.mark.slow
def test_help_and_output_mention_adversarial_training(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option's help and the output of the training use the standard term."""
    assert cli(["train", "--help"]) == 0 and "Adversarial training" in " ".join(capsys.readouterr().out.split())
    assert cli(["train", str(tiny_folder), "--adversarial", "0.1", "--epochs", "1"]) == 0
    assert "Adversarial training: pixels are changed by up to 0.1" in capsys.readouterr().out
