"""Pieces that several laws of metrics use: random predictions, and the definition of a metric with a standard name."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference import METRICS, Metric, find_reference
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation

CLASSES, SAMPLES = 4, 40


def predictions(rng: np.random.Generator, samples: int = SAMPLES) -> tuple[Array, Array]:
    """Probabilities (N, C) float32 that are correct about half the time, and labels; both contain every class."""
    labels = rng.permutation(np.arange(samples) % CLASSES)
    z = rng.standard_normal((samples, CLASSES)) + 1.5 * np.eye(CLASSES)[labels]
    z[np.arange(CLASSES), np.arange(CLASSES)] += 10
    e = np.exp(z)
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32), labels


def definition_of(case: MetricCase) -> tuple[str, Metric]:
    """The standard name of the metric, and its definition. Raises NotApplicable if it has no standard name."""
    return find_reference(case.thing, case.name, METRICS)


def failure(
    case: MetricCase, code: str, array: str, actual: str, expected: str, cause: Cause = NO_CAUSE
) -> Violation:
    """The violation of this law at the metric's definition."""
    return Violation(
        code,
        location=case.location,
        array=array,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )
