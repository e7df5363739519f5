"""nn train --layers "dense:64 acme_softsign dense:10"."""

import numpy as np

from nnlaw import Layer, layer, obeys


@layer("acme_softsign")
@obeys("N ... -> N ...")
class Softsign(Layer):
    """y = x / (1 + |x|)"""

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.scale = 1 / (1 + np.abs(x))
        return x * self.scale

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy * self.scale * self.scale
