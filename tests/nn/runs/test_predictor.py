"""Predictions with the weights of a run."""

import json
from collections.abc import Callable
from pathlib import Path
import numpy as np
import pytest
from nnlaw.cli.main import run as cli
from nnlaw.nn.core.flat_parameters import FlatParameters
from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_record
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.stress.edge_cases import arrays
from nnlaw.nn.training.build import build_model, make_trainer
from nnlaw.nn.training.evaluation import cross_entropy, epoch_metrics, validation_rank
from nnlaw.nn.training.session import Session, prepare
from nnlaw.nn.training.strict_checks import BATCH, batch_of_every_class
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
