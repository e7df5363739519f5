"""Losses: the mean over the batch of a cost per sample, and its gradient."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from nnlaw.nn.plugins.registry import loss
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array


class Loss:
    """Base of the built-in losses. `forward` stores what `backward` needs.

    `targets` is "labels" (integers (N,)), "binary" or "real" (one-hot rows (N, C)).
    """

    targets = "labels"

    def probabilities(self, prediction: Array) -> Array:
        """The probabilities (N, C) of a prediction (N, C): its softmax by default."""
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        p: Array = e / e.sum(axis=1, keepdims=True)
        return p


@cache
def one_hot_rows(classes: int, dtype: Any) -> Array:
    """The identity matrix: row c is the one-hot vector of class c."""
    return np.eye(classes, dtype=dtype)


@loss("softmax_cross_entropy")
class SoftmaxCrossEntropy(Loss):
    """L = mean over n of −Σᵢ tᵢ log pᵢ,  p = softmax(z),  dz = (p − t)/N.

    z are logits (N, C), y labels (N,). Computed as −log p_y = log Σⱼ exp(zⱼ − m) − (z_y − m) with m = max z, it is
    exact even if p underflows. `smoothing` s mixes the one-hot target with the uniform one: t = (1 − s)·onehot + s/C.
    Raises ValueError for a smoothing outside [0, 1). Source: I. Goodfellow et al., Deep Learning, section 6.2.2.3.
    """

    domain = "logits"
    admits: ClassVar[dict[str, str]] = {"smoothing": "[0, 1)"}

    def __init__(self, smoothing: float = 0.0) -> None:
        check_settings(self, smoothing=smoothing)
        self.smoothing = smoothing

    def forward(self, prediction: Array, target: Array) -> float:
        t = one_hot_rows(prediction.shape[1], prediction.dtype).take(target, axis=0)
        if self.smoothing:
            t = (1 - self.smoothing) * t + prediction.dtype.type(self.smoothing / t.shape[1])
        z = prediction - np.maximum.reduce(prediction, axis=1, keepdims=True)
        e = np.exp(z)
        total = np.add.reduce(e, axis=1, keepdims=True)
        self.p, self.t = e / total, t
        return float(np.add.reduce(np.log(total), axis=None) - np.vdot(z, t)) / len(t)

    def backward(self) -> Array:
        dz: Array = self.p - self.t
        dz /= len(dz)
        return dz


@loss("binary_cross_entropy")
class BinaryCrossEntropy(Loss):
    """L = mean over n of Σᵢ −tᵢ log σ(zᵢ) − (1 − tᵢ) log(1 − σ(zᵢ)),  dz = (σ(z) − t)/N.

    z are logits (N, C), t one-hot rows (N, C). Computed without overflow as max(z, 0) − z·t + log(1 + e^−|z|).
    """

    targets = "binary"
    domain = "logits"

    def forward(self, prediction: Array, target: Array) -> float:
        z, t = prediction, target.astype(prediction.dtype)
        self.difference: Array = 0.5 * (1 + np.tanh(0.5 * z)) - t
        return float((np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).sum()) / len(z)

    def backward(self) -> Array:
        return self.difference / len(self.difference)

    def probabilities(self, prediction: Array) -> Array:
        """The sigmoids of each row, divided by their sum."""
        log_p = -np.logaddexp(0, -prediction)
        return super().probabilities(log_p)


@loss("mse")
class MeanSquaredError(Loss):
    """L = mean over n of ½ Σᵢ (yᵢ − tᵢ)²,  dy = (y − t)/N,  for predictions y and one-hot rows t, both (N, C)."""

    targets = "real"

    def forward(self, prediction: Array, target: Array) -> float:
        self.difference: Array = prediction - target.astype(prediction.dtype)
        return 0.5 * float(np.vdot(self.difference, self.difference)) / len(prediction)

    def backward(self) -> Array:
        return self.difference / len(self.difference)

    def probabilities(self, prediction: Array) -> Array:
        """The prediction itself, clipped at 0 and divided by its sum; uniform if all of a row is clipped."""
        positive: Array = np.maximum(prediction, 0)
        positive[~positive.any(axis=1)] = 1
        positive /= positive.sum(axis=1, keepdims=True)
        return positive
