"""Predictions and targets to try a loss or a network with, whose domain and kind of targets are not declared.

    prediction, target = scenario.draw(rng, 5, 3)        (5, 3) probabilities of classes, and one-hot rows
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array


@dataclass(frozen=True)
class Scenario:
    """A domain of predictions, "real", "entries" in (0, 1) or "rows" of probabilities, and a kind of targets.

    `outputs` is the only number of outputs that the code takes; 0: any number.
    """

    domain: str
    targets: str
    outputs: int = 0

    def draw(self, rng: np.random.Generator, count: int, outputs: int) -> tuple[Array, Array]:
        """Predictions (N, C), and targets (N, C), or (N,) if they are labels; C is `outputs` if the code takes any."""
        outputs = self.outputs or outputs
        z = rng.standard_normal((count, outputs))
        predictions = {"real": 1.5 * z, "entries": 0.15 + 0.7 * rng.random(z.shape), "rows": softmax(z)}
        labels = rng.permutation(np.arange(count) % outputs)
        if count < outputs:  # code may count the classes by the largest label
            labels[labels.argmax()] = outputs - 1
        other = rng.standard_normal(z.shape)
        targets = {
            "real": other + 0.1 * np.sign(other),
            "one-hot": np.eye(outputs)[labels],
            "labels": labels,
            "binary": rng.permuted(np.arange(z.size) % 2).reshape(z.shape).astype(np.float64),
            "distributions": softmax(other),
            "signs": np.where(np.eye(outputs)[labels] > 0, 1.0, -1.0),
        }
        return predictions[self.domain], targets[self.targets]

    def __str__(self) -> str:
        domain = {"real": "any numbers", "entries": "numbers in (0, 1)", "rows": "probabilities of classes"}
        targets = {"real": "any numbers", "binary": "0 or 1", "signs": "-1 or 1", "distributions": "probabilities"}
        found = f"predictions: {domain[self.domain]}, targets: {targets.get(self.targets, self.targets)}"
        return f"{found}, {self.outputs} outputs" if self.outputs else found


SCENARIOS = (
    Scenario("real", "real"),
    Scenario("real", "one-hot"),
    Scenario("real", "labels"),
    Scenario("rows", "one-hot"),
    Scenario("entries", "binary"),
    Scenario("rows", "labels"),
    Scenario("real", "binary"),
    Scenario("rows", "distributions"),
    Scenario("real", "distributions"),
    Scenario("real", "signs"),
)


def softmax(z: Array) -> Array:
    """Rows of probabilities."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def sigmoid(z: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-z)))
