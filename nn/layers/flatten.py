"""Flatten: each sample becomes a vector."""

from __future__ import annotations

from math import prod

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import layer
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys


@layer("flatten")
@obeys("N ... -> N n_out")
class Flatten(Layer):
    """y (N, n_out) is x (N, ...) reshaped in C order;  dx is dy in the shape of x."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.n_out = prod(shape)

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), self.n_out)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)
