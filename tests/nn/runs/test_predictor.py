"""Predictions with the weights of a run."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.violation import BadInput

pytestmark = pytest.mark.usefixtures("hasty")


def settings(data: Path, *plugins: str, **given: object) -> Settings:
    """Small and fast."""
    small = {"data": str(data), "plugins": plugins, "layers": "dense:10", "epochs": 2, "validation": 100}
    return Settings(**small | given)  # type: ignore[arg-type]  # settings by name


def test_a_prediction_names_the_epoch_of_its_weights(
    tiny_folder: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after a crash between the checkpoint and the weights; files without an epoch give "unknown"."""
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder))
    session.train(run, SilentReporter(), 1)
    monkeypatch.setattr(Session, "export_weights", lambda self, run: None)
    resume(run, {})
    session.train_epoch(2, run, SilentReporter())
    assert Predictor(run).weights == "last epoch (1)"
    run.write_arrays("weights.safetensors", dict(session.model.params))
    assert Predictor(run).weights == "last epoch (unknown)"
    (run.folder / "weights.safetensors").write_bytes(b"none")
    with pytest.raises(BadInput, match="not a readable safetensors file"):
        Predictor(run)


@pytest.mark.parametrize("accuracy", ["1" * 400, "-0.5", "NaN", "[]"])
def test_a_damaged_test_accuracy_is_ignored(tiny_folder: Path, workplace: Path, accuracy: str) -> None:
    """The digit is predicted with the weights, which are not damaged."""
    run = Run.create(workplace / "r")
    prepare(settings(tiny_folder)).train(run, SilentReporter())
    (run.folder / "summary.json").write_text(f'{{"test_accuracy": {accuracy}}}', encoding="utf-8")
    assert Predictor(run).probabilities(np.zeros((28, 28), np.uint8)).sum() == pytest.approx(1)
