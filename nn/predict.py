"""A trained run, ready to read digits."""

from __future__ import annotations

import numpy as np

from nn.build import build_model, load_plugins, restore
from nn.run import Run, read_arrays, read_json
from nn.settings import Settings, read_settings
from spec.arrays import Array
from spec.violation import BadInput


class Reader:
    """The network of a run, with the standardization that it was trained under.

    Raises BadInput where the folder is not a finished run.
    """

    def __init__(self, run: Run) -> None:
        summary = read_json(run.folder / "summary.json")
        settings = Settings().changed(read_settings(run.folder / "config.toml"))
        load_plugins(settings)
        try:
            self.mean, self.deviation = float(summary["mean"]), float(summary["deviation"])
            self.classes: tuple[str, ...] = tuple(summary["classes"])
            self.n_in = int(summary["n_in"])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInput(f"{run.folder / 'summary.json'}: {error} is missing or not what a run writes") from error
        self.model = build_model(settings, self.n_in, len(self.classes))
        restore(self.model, read_arrays(run.folder / "weights.safetensors"))

    def probabilities(self, image: Array) -> Array:
        """Probabilities (C,) of one picture (H, W), uint8, as the training images are."""
        if image.size != self.n_in:
            raise BadInput(f"picture of {image.size} pixels, expected {self.n_in} as in training")
        x = (image.reshape(1, -1).astype(np.float32) - np.float32(self.mean)) / np.float32(self.deviation)
        found: Array = self.model.predict(x)[0]
        return found
