"""What training makes small: the mean over the batch of what each sample costs."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import numpy as np

from nnlaw.nn.plugins.registry import loss
from nnlaw.nn.plugins.validate import admit
from nnlaw.spec.arrays import Array


class Loss:
    """Base of the built-in losses. `forward` keeps what `backward` needs; `targets` says what it is compared with."""

    targets = "labels"

    def probabilities(self, prediction: Array) -> Array:
        """What the prediction (N, C) means as probabilities: its softmax, unless a loss knows better."""
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        found: Array = e / e.sum(axis=1, keepdims=True)
        return found


@cache
def one_hot_rows(classes: int, dtype: Any) -> Array:
    """The identity matrix: row c is the one-hot vector of class c."""
    return np.eye(classes, dtype=dtype)


@loss("softmax_cross_entropy")
class SoftmaxCrossEntropy(Loss):
    """L = mean over n of −Σᵢ tᵢ log pᵢ,  p = softmax(z),  dz = (p − t)/N.

    From logits z by log-sum-exp, −log p_y = log Σⱼ exp(zⱼ − m) − (z_y − m) with m = max z, exact where p underflows.
    `smoothing` s mixes the one-hot target with the uniform one: t = (1 − s)·onehot + s/C.
    Raises ValueError for a smoothing outside [0, 1). Source: I. Goodfellow et al., Deep Learning, section 6.2.2.3.
    """

    domain = "logits"
    admits: ClassVar[dict[str, str]] = {"smoothing": "[0, 1)"}

    def __init__(self, smoothing: float = 0.0) -> None:
        admit(self, smoothing=smoothing)
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
        slope: Array = self.p - self.t
        slope /= len(slope)
        return slope


@loss("binary_cross_entropy")
class BinaryCrossEntropy(Loss):
    """L = mean over n of Σᵢ −tᵢ log σ(zᵢ) − (1 − tᵢ) log(1 − σ(zᵢ)),  dz = (σ(z) − t)/N.

    From logits z without overflow: max(z, 0) − z·t + log(1 + e^−|z|).
    """

    targets = "binary"
    domain = "logits"

    def forward(self, prediction: Array, target: Array) -> float:
        z, t = prediction, target.astype(prediction.dtype)
        self.off: Array = 0.5 * (1 + np.tanh(0.5 * z)) - t
        return float((np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).sum()) / len(z)

    def backward(self) -> Array:
        return self.off / len(self.off)

    def probabilities(self, prediction: Array) -> Array:
        """The sigmoids of each row, made to sum to 1."""
        log_p = -np.logaddexp(0, -prediction)
        return super().probabilities(log_p)


@loss("mse")
class MeanSquaredError(Loss):
    """L = mean over n of ½ Σᵢ (yᵢ − tᵢ)²,  dy = (y − t)/N."""

    targets = "real"

    def forward(self, prediction: Array, target: Array) -> float:
        self.off: Array = prediction - target.astype(prediction.dtype)
        return 0.5 * float(np.vdot(self.off, self.off)) / len(prediction)

    def backward(self) -> Array:
        return self.off / len(self.off)

    def probabilities(self, prediction: Array) -> Array:
        """The prediction estimates them itself: cut off at 0 and made to sum to 1; uniform where nothing is left."""
        positive: Array = np.maximum(prediction, 0)
        positive[~positive.any(axis=1)] = 1
        positive /= positive.sum(axis=1, keepdims=True)
        return positive
