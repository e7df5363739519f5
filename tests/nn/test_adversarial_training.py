"""A hardened training: batches lie where the network is worse, and everything else is as in any training."""

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


def hard(folder: Path, **given: Any) -> Settings:
    """A quick hardened training."""
    return Settings(data=str(folder), adversarial=0.1, batch_size=64, layers=ALL, optimizer="adam", **given)


def test_batches_lie_within_eps_where_the_loss_is_higher(tiny_folder: Path) -> None:
    """Each batch is the plain one moved by up to eps, still of possible pixels, and costs a trained net more."""
    settings = hard(tiny_folder)
    plain, session = prepare(settings.with_changes({"adversarial": 0.0})), prepare(settings)
    for x, labels in islice(session.batches(1), 5):
        session.trainer.step(x, labels)
    split, white = session.split, 255 / session.split.deviation
    pairs = zip(plain.batches(2), session.batches(2), strict=True)
    for (clean, labels), (moved, same) in pairs:
        assert np.array_equal(labels, same) and moved.dtype == np.float32
        assert 0 < np.abs(moved - clean).max() <= 0.1 * white * (1 + 1e-5)
        assert moved.min() >= -split.mean / split.deviation - 1e-5
        assert moved.max() <= (255 - split.mean) / split.deviation + 1e-5
        one, two = (session.model.loss_and_grads(x, labels)[0] for x in (clean, moved))
        assert two > one or len(labels) < 10


def test_a_hardened_training_is_recorded_and_the_same_when_stopped_or_strict(tiny_folder: Path, tmp_path: Path) -> None:
    """Stopped and resumed, or under law, it ends in the same bits; config.toml says how it was hardened."""
    ends = []
    for name, strict, stop in (("plain", False, None), ("stopped", False, 1), ("strict", True, None)):
        folder = Run.create(tmp_path / name)
        if prepare(hard(tiny_folder, epochs=2, strict=strict)).train(folder, SilentReporter(), stop) is None:
            assert resume(folder, {}).train(folder, SilentReporter()) is not None
        ends.append((folder.folder / "weights.safetensors").read_bytes())
        assert read_settings(folder.folder / "config.toml")["adversarial"] == 0.1
    assert ends[0] == ends[1] == ends[2]
    with pytest.raises(BadInput, match="--adversarial"):
        resume(Run(tmp_path / "plain"), {"adversarial": 0.2, "epochs": 3})


def broken(session: Session, monkeypatch: pytest.MonkeyPatch, thing: Any, name: str, phase: Phase) -> None:
    """Let `thing.name` break a law in the second epoch's third step."""
    written = getattr(thing, name)

    def at_last(*args: Any) -> Any:
        if session.trainer.done == session.steps_per_epoch + 2 and session.phase is phase:
            monkeypatch.undo()
            raise Violation("finite", location=Location("here"), array="g", actual="nan", expected="a finite number")
        return written(*args)

    monkeypatch.setattr(thing, name, at_last)


@pytest.mark.parametrize(("phase", "name"), [(Phase.STEP, "norms"), (Phase.PERTURB, "input_gradient")])
def test_the_signature_holds_what_stood_before(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: Phase, name: str
) -> None:
    """A law broken in a step, or while its batch is moved, leaves the state and the batch at that moment."""
    session, sound = (prepare(hard(tiny_folder, epochs=3)) for _ in range(2))
    sound.train(Run.create(tmp_path / "sound"), SilentReporter(), 1)
    for x, labels in islice(sound.batches(2), 2):
        sound.trainer.step(x, labels)
    expected = snapshot_tree(sound.trainer.take_snapshot())
    broken(session, monkeypatch, session.trainer.flat if phase is Phase.STEP else session.model, name, phase)
    with pytest.raises(Violation, match="replay"):
        session.train(Run.create(tmp_path / "broken"), SilentReporter())
    found = unpack(tmp_path / "broken/failure/before.safetensors")
    assert pack(found["trainer"]) == pack(expected)
    assert json.loads((tmp_path / "broken/failure/signature.json").read_text())["phase"] == phase.value
    clean = prepare(hard(tiny_folder).with_changes({"adversarial": 0.0}))
    plain, labels = next(islice(clean.batches(2), 2, None))
    assert np.array_equal(found["labels"], labels)
    assert 0 < np.abs(found["x"] - plain).max() <= 0.1 * 255 / clean.split.deviation * (1 + 1e-5)


def test_weights_that_break_while_a_batch_is_moved_break_again(tiny_folder: Path, tmp_path: Path) -> None:
    """nn replay takes the gradient by the input again where that is what broke the law."""
    settings = hard(tiny_folder, epochs=1, strict=True)
    session = prepare(settings.with_changes({"layers": "dense:12 relu dense:10"}))
    step = session.trainer.step

    def ruin(x: Any, labels: Any) -> Any:
        figures = step(x, labels)
        if figures.step == 3:
            session.trainer.flat.w[0] = np.nan
        return figures

    session.trainer.step = ruin  # type: ignore[method-assign]  # one instance, for this test
    with pytest.raises(Violation) as first:
        session.train(Run.create(tmp_path / "run"), SilentReporter())
    signature = json.loads((tmp_path / "run/failure/signature.json").read_text())
    again = replay(tmp_path / "run/failure")
    assert signature["phase"] == "perturb" and again is not None
    assert (again.law, again.array, again.index) == (first.value.law, first.value.array, first.value.index)


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


def test_what_cannot_be_hardened_is_refused_in_a_sentence(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that tells no gradient of its input, and an eps that is no share of white, end with exit code 2."""
    Path("closed.py").write_text(MODEL)
    closed = ["--plugin", "closed.py", "--model", "closed"]
    for flags in (["--adversarial", "0.1", *closed], ["--adversarial", "-1"], ["--adversarial", "nan"]):
        assert cli(["train", str(tiny_folder), *flags, "--epochs", "1"]) == 2
        assert re.search("expected|needs a model with", capsys.readouterr().err)
    assert not Path("runs").exists()


def test_it_is_called_by_the_fields_name(
    tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a user meets it: in the help of the option, and while training."""
    assert cli(["train", "--help"]) == 0 and "Adversarial training" in " ".join(capsys.readouterr().out.split())
    assert cli(["train", str(tiny_folder), "--adversarial", "0.1", "--epochs", "1"]) == 0
    assert "Adversarial training: pixels are changed by up to 0.1" in capsys.readouterr().out
