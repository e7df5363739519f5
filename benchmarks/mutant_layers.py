"""A layer of a user's, for the networks that judge mutants: its contract leaves open how many numbers come out."""

from __future__ import annotations

import numpy as np

from nnlaw.nn import Layer
from nnlaw.nn.plugins import base_layer as layer
from nnlaw.spec import obeys
from nnlaw.spec.arrays import Array


@layer("every_other")
@obeys("N n -> N half")
class EveryOther(Layer):
    """y holds every second number of x."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x[:, ::2]

    def backward(self, dy: Array) -> Array:
        dx = np.zeros(self.shape, dy.dtype)
        dx[:, ::2] = dy
        return dx
