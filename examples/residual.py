"""A residual block as a plugin; with it, gradients reach the lower layers of a deep network.

    nn train mnist/ --plugin examples/residual.py --layers "dense:64 residual residual residual dense:10"
"""

import numpy as np

from nnlaw import Layer, layer, obeys


@layer("residual")
@obeys("N n -> N n")
class Residual(Layer):
    """y = x + max(0, x W + b).

        dz = dy · [x W + b > 0]      dW = xᵀ dz      db = Σₙ dz      dx = dy + dz Wᵀ

    x and y have shape (N, n), W (n, n), b (n,). Each block adds the variance of its branch to x, so the initial weights
    are a tenth of He's scale: ten blocks at full scale multiply the variance by a thousand, and the law initial-loss
    or loss-trend fails.
    Source: K. He et al., CVPR 2016.
    """

    def build(self, shape, rng):
        (self.n,) = shape
        self.params = {"W": rng.normal(0, 0.1 * np.sqrt(2 / self.n), (self.n, self.n)), "b": np.zeros(self.n)}

    def forward(self, x):
        self.x = x
        self.h = np.maximum(x @ self.params["W"] + self.params["b"], 0)
        return x + self.h

    def backward(self, dy):
        dz = dy * (self.h > 0)
        self.grads["W"] = self.x.T @ dz
        self.grads["b"] = dz.sum(axis=0)
        return dy + dz @ self.params["W"].T
