"""A trained run, ready to read digits."""

from __future__ import annotations

import numpy as np

from nn.build import build_model, load_plugins, restore
from nn.checkpoint import glance
from nn.record import read_record, run_settings
from nn.run import Run, read_arrays
from spec.arrays import Array
from spec.violation import BadInput


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
        best = (tree.get("best") or {}).get("epoch")
        if which == "best" and best is None:
            raise BadInput(f"{run.folder}: no best epoch, as no image was held out for validation; use --weights last")
        self.weights = f"last epoch ({len(tree['rows'])})" if which == "last" else f"best epoch ({best})"
        self.model = build_model(settings, self.n_in, len(self.classes))
        file = "weights.safetensors" if which == "last" else "best.safetensors"
        restore(self.model, read_arrays(run.folder / file))

    def probabilities(self, image: Array) -> Array:
        """Probabilities (C,) of one picture (H, W), uint8, as the training images are."""
        if image.size != self.n_in:
            raise BadInput(f"picture of {image.size} pixels, expected {self.n_in} as in training")
        x = (image.reshape(1, -1).astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)
        found: Array = self.model.predict(x)[0]
        if not np.isfinite(found).all():
            raise BadInput(f"{self.folder}: its weights give {found.max()} for this picture, expected probabilities")
        return found
