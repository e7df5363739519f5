"""A trained run, ready to read digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaw.nn.training.build import build_model, load_plugins, restore
from nnlaw.nn.training.checkpoint import glance
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.run_folder.metadata import read_record, run_settings
from nnlaw.nn.run_folder.folder import Run, read_arrays, read_epoch
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput


@dataclass(frozen=True)
class Answer:
    """What a network says of one picture: the name of the likeliest class, its probability, and those of all (C,)."""

    name: str
    confidence: float
    probabilities: Array


class Reader:
    """The network of a run, with the standardization that it was trained under.

    `which` is "last", the weights of the last epoch, or "best", those of the epoch that validated best; `weights` says
    so in words. Raises BadInput where the folder is not a run with weights.
    """

    def __init__(self, run: Run, which: str = "last") -> None:
        record, settings, tree = read_record(run), run_settings(run.folder), glance(run)
        load_plugins(settings)
        self.folder = run.folder
        self.mean, self.deviation = record["mean"], record["deviation"]
        self.classes: tuple[str, ...] = tuple(record["classes"])
        self.n_in: int = record["n_in"]
        self.frame = _frame(record.get("frame", {}), run)
        if which == "best" and tree.get("best") is None:
            raise BadInput(f"{run.folder}: no best epoch, as no image was held out for validation; use --weights last")
        self.model = build_model(settings, self.n_in, len(self.classes))
        file = run.folder / ("weights.safetensors" if which == "last" else "best.safetensors")
        restore(self.model, read_arrays(file))
        self.weights = f"{which} epoch ({read_epoch(file)})"  # the checkpoint may be an epoch ahead after a crash

    def answer(self, image: Array) -> Answer:
        """The answer to one picture (H, W), uint8: only here a class gets the name that the run recorded."""
        probabilities = self.probabilities(image)
        best = int(probabilities.argmax())
        return Answer(self.classes[best], float(probabilities[best]), probabilities)

    def probabilities(self, image: Array) -> Array:
        """Probabilities (C,) of one picture (H, W), uint8, as the training images are."""
        if image.size != self.n_in:
            raise BadInput(f"picture of {image.size} pixels, expected {self.n_in} as in training")
        x = (image.reshape(1, -1).astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)
        found: Array = self.model.predict(x)[0]
        if not np.isfinite(found).all():
            raise BadInput(f"{self.folder}: its weights give {found.max()} for this picture, expected probabilities")
        return found


def _frame(recorded: Any, run: Run) -> Frame:
    """The frame of the training images; that of MNIST where a run of an older version recorded none."""
    try:
        found = Frame(**recorded)
        if min(found.height, found.width, found.box) < 1:
            raise ValueError("a side below 1")
        return found
    except (TypeError, ValueError) as error:
        raise BadInput(f"{run.folder / 'record.json'}: frame is not what a run writes: {error}") from error
