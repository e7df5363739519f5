"""Classify pictures with the network of a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.images.framing import Frame
from nnlaw.nn.run_folder.array_files import read_arrays, read_epoch
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import read_record, read_run_settings
from nnlaw.nn.run_folder.trust import own_plugins
from nnlaw.nn.training.build import build_model, load_plugins, load_weights
from nnlaw.nn.training.checkpoint import read_header
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

GUESS = 0.45  # of the network's test accuracy: a prediction with less confidence is a guess


@dataclass(frozen=True)
class Prediction:
    """The most probable class of a picture, its probability, and the probabilities of all classes (C,)."""

    name: str
    confidence: float
    probabilities: Array


class Predictor:
    """The network of a run, with the standardization of its training data.

    `which` selects the weights of the "last" epoch or of the "best" one, that with the best validation accuracy;
    `weights` describes them. A prediction with a confidence below `least` is a guess. `open_model` returns the network,
    by default `load_model`, which imports the plugins of the run. Raises BadInput if the folder is not a run with
    weights.
    """

    def __init__(self, run: Run, which: str = "last", open_model: Callable[[Run, str], Any] | None = None) -> None:
        record, tree = read_record(run), read_header(run)
        self.folder = run.folder
        self.mean, self.deviation = record["mean"], record["deviation"]
        self.classes: tuple[str, ...] = tuple(record["classes"])
        self.n_in: int = record["n_in"]
        self.frame = _frame(record.get("frame", {}), run)
        accuracy = _test_accuracy(run)
        self.least = GUESS * accuracy if accuracy >= 0.5 else 0.0  # of a network that has not learned, all are guesses
        if which == "best" and tree.get("best") is None:
            raise BadInput(f"{run.folder}: no best epoch, as there are no validation images; use --weights last")
        self.model = (open_model or load_model)(run, which)
        epoch = read_epoch(_weights_file(run, which))  # the checkpoint may be an epoch ahead after a crash
        self.weights = f"{which} epoch ({epoch})"

    def predict(self, image: Array) -> Prediction:
        """The prediction for a picture (H, W), uint8, with the class name that the run recorded."""
        probabilities = self.probabilities(image)
        best = int(probabilities.argmax())
        return Prediction(self.classes[best], float(probabilities[best]), probabilities)

    def probabilities(self, image: Array) -> Array:
        """Probabilities (C,) for a picture (H, W), uint8, of the size of the training images."""
        if image.size != self.n_in:
            raise BadInput(f"the picture has {image.size} pixels, but the network has {self.n_in} inputs")
        x = (image.reshape(1, -1).astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)
        p: Array = self.model.predict(x)[0]
        if not np.isfinite(p).all():
            raise BadInput(f"{self.folder}: its weights give {p.max()} for this picture, expected probabilities")
        return p


def load_model(run: Run, which: str) -> Any:
    """The network of a run with its weights. Imports the plugins in the run folder. Raises BadInput."""
    record, settings = read_record(run), read_run_settings(run.folder)
    own_plugins(run.folder, settings.plugins)
    load_plugins(settings)
    model = build_model(settings, record["n_in"], len(record["classes"]))
    load_weights(model, read_arrays(_weights_file(run, which)))
    return model


def _weights_file(run: Run, which: str) -> Path:
    return run.folder / ("weights.safetensors" if which == "last" else "best.safetensors")


def _test_accuracy(run: Run) -> float:
    """The test accuracy of a finished run, a share; 1 if there is no valid one."""
    path = run.folder / "summary.json"
    found = read_json(path).get("test_accuracy") if path.exists() else None
    return found if isinstance(found, float) and 0 <= found <= 1 else 1.0


def _frame(recorded: Any, run: Run) -> Frame:
    """The frame of the training images; that of MNIST for runs that recorded no frame."""
    try:
        found = Frame(**recorded)
        if min(found.height, found.width, found.box) < 1:
            raise ValueError("a side below 1")
        return found
    except (TypeError, ValueError) as error:
        raise BadInput(f"{run.folder / 'record.json'}: frame is not valid: {error}") from error
