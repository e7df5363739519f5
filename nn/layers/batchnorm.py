"""Batch normalization: every feature with mean 0 and variance 1 over the batch, then scaled and shifted."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import layer
from nnlaw.nn.plugins.validate import admit
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys


@layer("batchnorm")
@obeys("N n -> N n")
class BatchNorm(Layer):
    """y = gain · x̂ + shift,  x̂ = (x − μ)/√(v + ε);  μ, v of the batch in training, the running ones in eval.

        d gain = Σₙ dy·x̂     d shift = Σₙ dy     with d = dy·gain:
        dx = (d − mean(d) − x̂·mean(d·x̂)) / √(v + ε)    in training,    dx = d / √(v + ε)    in eval

    The running statistics move by `momentum` each training step. Raises ValueError for a batch of one in training,
    whose variance says nothing. Source: S. Ioffe, C. Szegedy, ICML 2015.
    """

    couples_samples = True
    admits: ClassVar[dict[str, str]] = {"momentum": "(0, 1]", "eps": "(0, ∞)"}

    def __init__(self, momentum: float = 0.1, eps: float = 1e-5) -> None:
        admit(self, momentum=momentum, eps=eps)
        self.momentum, self.eps = momentum, eps

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if len(shape) != 1:
            raise ValueError(f"batchnorm takes a vector, found shape {shape}")
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
            rest = centered.mean(axis=0)  # what rounding left, where the mean is far from 0
            mean, centered = mean + rest, centered - rest
            variance = np.square(centered).mean(axis=0)
            for name, found in (("mean", mean), ("variance", variance)):
                self.state[name] += self.momentum * (found - self.state[name])
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
