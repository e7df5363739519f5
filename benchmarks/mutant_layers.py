"""A user's layer for the networks that check mutants. Its contract does not determine the size of the output."""

from __future__ import annotations

import numpy as np

from nnlaw.nn import Layer, layer
from nnlaw.spec import obeys
from nnlaw.spec.arrays import Array


@layer("every_other")
@obeys("N n -> N half")
class EveryOther(Layer):
    """y contains every second number of x."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x[:, ::2]

    def backward(self, dy: Array) -> Array:
        dx = np.zeros(self.shape, dy.dtype)
        dx[:, ::2] = dy
        return dx
