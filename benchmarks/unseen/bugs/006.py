import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("weightnorm_dense_1")
@obeys("N n_in -> N n_out")
class WeightNormDense(Layer):
    """y = x W + b with W = g v / |v|, the norm taken per output (Salimans & Kingma 2016)."""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        self.params = {
            "v": rng.normal(0, 1, (shape[0], self.n_out)),
            "g": np.ones(self.n_out),
            "b": np.zeros(self.n_out),
        }

    def forward(self, x):
        v = self.params["v"]
        self.x = x
        self.norm = np.sqrt((v * v).sum(axis=0))
        self.unit = v / self.norm
        return x @ (self.params["g"] * self.unit) + self.params["b"]

    def backward(self, dy):
        g = self.params["g"]
        dW = self.x.T @ dy
        dg = (dW * self.unit).sum(axis=0)
        self.grads["g"] = dg
        self.grads["v"] = g / self.norm * dW
        self.grads["b"] = dy.sum(axis=0)
        return dy @ (g * self.unit).T
