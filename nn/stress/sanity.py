"""Scenario: the saved weights are finite, and the network predicts better than a constant guess."""

from __future__ import annotations

import numpy as np

from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.spec.arrays import first_index
from nnlaw.spec.violation import entry


@scenario(
    "sound",
    what="read the saved weights, predict the test set",
    expected="every weight is finite, probabilities sum to 1, accuracy is above that of a constant guess",
)
def sound(context: Context) -> Observation:
    """The accuracy of a constant guess is the share of the most frequent class in the test set."""
    for name, array in read_arrays(context.run.folder / "weights.safetensors").items():
        if not np.isfinite(array).all():
            at = first_index(~np.isfinite(array))
            return Observation(f"{entry(name, at)} is {array[at]}", False, arrays={name: array})
    p, labels = context.reader.model.predict(context.split.x_test), context.split.y_test
    off = float(np.abs(p.sum(axis=1, dtype=np.float64) - 1).max())
    accuracy, guess = float((p.argmax(axis=1) == labels).mean()), float(np.bincount(labels).max() / len(labels))
    observed = f"accuracy {accuracy:.1%} (a constant guess: {guess:.1%}), sums within {off:.1g} of 1"
    return Observation(observed, off < 1e-5 and accuracy > guess, {"accuracy": accuracy, "guess": guess, "off": off})
