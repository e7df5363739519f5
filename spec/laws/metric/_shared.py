"""What the laws of this kind share."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference import METRICS, Metric, textbook
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import Violation

CLASSES, SAMPLES = 4, 40


def predictions(rng: np.random.Generator, samples: int = SAMPLES) -> tuple[Array, Array]:
    """Probabilities (N, C) float32 that are right about half the time, and labels; every class is among both."""
    labels = rng.permutation(np.arange(samples) % CLASSES)
    z = rng.standard_normal((samples, CLASSES)) + 1.5 * np.eye(CLASSES)[labels]
    z[np.arange(CLASSES), np.arange(CLASSES)] += 10
    e = np.exp(z)
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32), labels


def standard(case: MetricCase) -> tuple[str, Metric]:
    """The row of the textbook that it is held to. Raises DoesNotApply where there is none."""
    return textbook(case.thing, case.name, METRICS)


def broken(case: MetricCase, code: str, array: str, actual: str, expected: str, cause: str = "") -> Violation:
    return Violation(code, location=case.location, array=array, actual=actual, expected=expected, cause=cause)
