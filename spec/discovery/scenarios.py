"""Predictions and targets to try a loss or a network with, whose domain and kind of targets are not declared.

    prediction, target = scenario.draw(rng, 5, 3)        (5, 3) probabilities of classes, and one-hot rows
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import counted


@dataclass(frozen=True)
class Scenario:
    """A domain of predictions, "real", "entries" in (0, 1) or "rows" of probabilities, and a kind of targets.

    `outputs` is the only number of outputs that the code takes; 0: any number. With `steps`, samples are sequences of
    so many predictions.
    """

    domain: str
    targets: str
    outputs: int = 0
    steps: int = 0

    def draw(self, rng: np.random.Generator, count: int, outputs: int) -> tuple[Array, Array]:
        """Predictions (N, C), and targets (N, C), or (N,) if they are labels; C is `outputs` if the code takes any.

        Sequences have a second axis for the steps.
        """
        if self.steps:
            p, t = replace(self, steps=0).draw(rng, count * self.steps, outputs)
            return p.reshape(count, self.steps, *p.shape[1:]), t.reshape(count, self.steps, *t.shape[1:])
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
            "integers": rng.permuted(np.arange(z.size) % 2).reshape(z.shape),
            "distributions": softmax(other),
            "signs": np.where(np.eye(outputs)[labels] > 0, 1.0, -1.0),
        }
        return predictions[self.domain], targets[self.targets]

    def __str__(self) -> str:
        domain = {"real": "any numbers", "entries": "numbers in (0, 1)", "rows": "probabilities of classes"}
        targets = {"real": "any numbers", "binary": "0 or 1", "signs": "-1 or 1", "distributions": "probabilities",
                   "integers": "integers 0 or 1"}  # fmt: skip
        found = f"predictions: {domain[self.domain]}, targets: {targets.get(self.targets, self.targets)}"
        found += ", in sequences" if self.steps else ""
        return f"{found}, {counted(self.outputs, 'output')}" if self.outputs else found


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
SEQUENCES = tuple(replace(one, steps=2) for one in SCENARIOS if one.targets in ("labels", "one-hot"))
"""The scenarios of sequences of two predictions."""
SINGLE_OUTPUTS = tuple(Scenario(domain, "integers", outputs=1) for domain in ("real", "entries"))
"""One output per sample, with labels that may be indices."""


def with_outputs(count: int) -> tuple[Scenario, ...]:
    """The scenarios with one number of outputs."""
    return tuple(replace(scenario, outputs=count) for scenario in SCENARIOS)


def softmax(z: Array) -> Array:
    """Rows of probabilities."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def sigmoid(z: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-z)))
