"""Batch normalization: each feature gets mean 0 and variance 1 over the batch, then is scaled and shifted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import layer
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys


@layer("batchnorm")
@obeys("N n -> N n")
class BatchNorm(Layer):
    """Normalize each feature over the batch.

        y = gain · x̂ + shift,   x̂ = (x − μ) / √(v + ε)

        d gain = Σₙ dy·x̂,   d shift = Σₙ dy,   and with d = dy·gain
        dx = (d − mean(d) − x̂·mean(d·x̂)) / √(v + ε)   in training,   dx = d / √(v + ε)   in evaluation

    x and y have shape (N, n); gain and shift have shape (n,). In training mode μ and v are the mean and the (biased)
    variance of the batch, and the running statistics move toward them by `momentum`; in evaluation mode the running
    statistics are used.

    Raises ValueError for a batch of one sample in training mode, and for an input that is not a vector.
    Source: S. Ioffe, C. Szegedy, ICML 2015.
    """

    couples_samples = True
    admits: ClassVar[dict[str, str]] = {"momentum": "(0, 1]", "eps": "(0, ∞)"}

    def __init__(self, momentum: float = 0.1, eps: float = 1e-5) -> None:
        check_settings(self, momentum=momentum, eps=eps)
        self.momentum, self.eps = momentum, eps

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if len(shape) != 1:
            raise ValueError(f"batchnorm needs a vector, found shape {shape}")
        (self.n,) = shape
        self.params = {"gain": np.ones(self.n), "shift": np.zeros(self.n)}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}
        self.state = {"mean": np.zeros(self.n), "variance": np.ones(self.n)}

    def forward(self, x: Array) -> Array:
        self.batch = self.training
        if self.batch:
            if len(x) < 2:
                raise ValueError(f"batchnorm in training needs a batch of at least 2, found {len(x)}")
            mean = x.mean(axis=0)
            centered = x - mean
            rounding = centered.mean(axis=0)  # not 0 if the mean is large
            mean, centered = mean + rounding, centered - rounding
            variance = np.square(centered).mean(axis=0)
            for name, value in (("mean", mean), ("variance", variance)):
                self.state[name] += self.momentum * (value - self.state[name])
        else:
            mean, variance = self.state["mean"], self.state["variance"]
            centered = x - mean
        self.scale = 1 / np.sqrt(variance + x.dtype.type(self.eps))
        self.normal: Array = centered * self.scale
        y: Array = self.params["gain"] * self.normal + self.params["shift"]
        return y

    def backward(self, dy: Array) -> Array:
        self.grads["gain"][...] = (dy * self.normal).sum(axis=0)
        self.grads["shift"][...] = dy.sum(axis=0)
        d: Array = dy * self.params["gain"]
        if self.batch:
            d = d - d.mean(axis=0) - self.normal * (d * self.normal).mean(axis=0)
        d = d * self.scale
        return d
