"""The affine map."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import layer
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys


@layer("dense")
@obeys("N n_in -> N n_out")
class Dense(Layer):
    """Affine map  y = x W + b.

        dW = xᵀ dy      db = Σₙ dy      dx = dy Wᵀ

    x has shape (N, n_in), W (n_in, n_out), b (n_out,), y (N, n_out).

    Raises ValueError for fewer than one unit, or an input that is not a vector.
    Source: D. E. Rumelhart, G. E. Hinton, R. J. Williams, Nature 323 (1986).
    """

    admits: ClassVar[dict[str, str]] = {"units": "[1, ∞)"}

    def __init__(self, units: int, init: str = "he") -> None:
        check_settings(self, units=units)
        self.n_out = units
        self.initialize = choose("initializer", init).make()

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        if len(shape) != 1:
            raise ValueError(f"dense needs a vector, found shape {shape}; put flatten before it")
        (self.n_in,) = shape
        size = (self.n_in, self.n_out)
        self.params = {"W": self.initialize(rng, size, *size), "b": np.zeros(self.n_out)}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: Array) -> Array:
        self.x = x
        y: Array = x @ self.params["W"]
        y += self.params["b"]
        return y

    def backward(self, dy: Array) -> Array | None:
        np.matmul(self.x.T, dy, out=self.grads["W"])
        np.add.reduce(dy, axis=0, out=self.grads["b"])
        return dy @ self.params["W"].T if self.needs_dx else None
