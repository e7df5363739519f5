"""Measures of how good predictions are: (probabilities (N, C), labels (N,)) -> number."""

from __future__ import annotations

import numpy as np

from nnlaw.nn.plugins.registry import metric
from nnlaw.spec.arrays import Array


@metric("accuracy")
def accuracy(probabilities: Array, labels: Array) -> float:
    """The share of samples whose most probable class is the label."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def confusion_matrix(predicted: Array, labels: Array, classes: int) -> Array:
    """Counts (C, C): row = truth, column = prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)
