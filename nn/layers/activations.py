"""Activations. Without a nonlinearity between them, several affine maps are one affine map."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import layer
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys
from nnlaw.spec.laws.call.simplex import rows_sum_to_one


@layer("relu")
@obeys("N ... -> N ...")
class ReLU(Layer):
    """y = max(x, 0),  dx = dy · [y > 0].  Source: V. Nair, G. E. Hinton, ICML 2010."""

    def forward(self, x: Array) -> Array:
        self.y: Array = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array) -> Array:
        return dy * (self.y > 0)


@layer("leaky_relu")
@obeys("N ... -> N ...")
class LeakyReLU(Layer):
    """y = x for x > 0, else slope·x;  dx = dy · (1 or slope).  Source: A. L. Maas et al., ICML 2013."""

    admits: ClassVar[dict[str, str]] = {"slope": "[0, 1)"}

    def __init__(self, slope: float = 0.01) -> None:
        check_settings(self, slope=slope)
        self.slope = slope

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.maximum(x, self.slope * x)

    def backward(self, dy: Array) -> Array:
        return np.where(self.x > 0, dy, self.slope * dy)


@layer("sigmoid")
@obeys("N ... -> N ...")
class Sigmoid(Layer):
    """y = 1/(1 + e⁻ˣ) = (1 + tanh(x/2))/2, which cannot overflow;  dx = dy · y(1 − y)."""

    range = (0.0, 1.0)

    def forward(self, x: Array) -> Array:
        self.y: Array = 0.5 * (1 + np.tanh(0.5 * x))
        return self.y

    def backward(self, dy: Array) -> Array:
        dx: Array = dy * self.y * (1 - self.y)
        return dx


@layer("tanh")
@obeys("N ... -> N ...")
class Tanh(Layer):
    """y = tanh x,  dx = dy · (1 − y²)."""

    range = (-1.0, 1.0)

    def forward(self, x: Array) -> Array:
        self.y: Array = np.tanh(x)
        return self.y

    def backward(self, dy: Array) -> Array:
        dx: Array = dy * (1 - self.y * self.y)
        return dx


@layer("softmax")
@obeys("N C -> N C", rows_sum_to_one)
class Softmax(Layer):
    """pᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) over each row;  dx = p · (dy − Σⱼ dyⱼ pⱼ).

    x and p have shape (N, C). Subtracting the largest logit does not change p but keeps exp from overflowing. A loss on
    logits applies its own softmax: don't put this layer before it.
    """

    def forward(self, x: Array) -> Array:
        e: Array = np.exp(x - x.max(axis=1, keepdims=True))
        p: Array = e / e.sum(axis=1, keepdims=True)
        self.p = p
        return p

    def backward(self, dy: Array) -> Array:
        dx: Array = self.p * (dy - (dy * self.p).sum(axis=1, keepdims=True))
        return dx
