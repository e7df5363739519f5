"""Flatten: a picture becomes a vector."""

from __future__ import annotations

from math import prod

import numpy as np

from nn.layer import Layer
from nn.registry import layer
from spec.arrays import Array
from spec.contract import obeys


@layer("flatten")
@obeys("N ... -> N n_out")
class Flatten(Layer):
    """y (N, n_out) holds the numbers of x (N, ...) in C order;  dx is dy in the shape of x."""

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.n_out = prod(shape)

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), self.n_out)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)
