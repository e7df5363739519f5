"""Dropout: a random part of the units is left out in each training step."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import layer
from nnlaw.nn.plugins.validate import check_settings
from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.obeys import obeys


@layer("dropout")
@obeys("N ... -> N ...")
class Dropout(Layer):
    """y = x · m / (1 − rate) in training, each mᵢ being 0 with probability `rate`, else 1;  y = x in evaluation.

    dx = dy · m / (1 − rate) in training, dx = dy in evaluation. The division keeps the mean: E[y] = x.
    Raises ValueError for a rate outside [0, 1).
    Source: N. Srivastava et al., JMLR 15 (2014).
    """

    admits: ClassVar[dict[str, str]] = {"rate": "[0, 1)"}

    def __init__(self, rate: float = 0.5) -> None:
        check_settings(self, rate=rate)
        self.rate = rate

    def build(self, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        self.rng = rng

    def forward(self, x: Array) -> Array:
        self.mask: Array | None = None
        if not self.training:
            return x
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.rate
        self.mask = kept * x.dtype.type(1 / (1 - self.rate))
        return x * self.mask

    def backward(self, dy: Array) -> Array:
        return dy if self.mask is None else dy * self.mask
