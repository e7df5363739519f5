import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_linear_11", like="dense")
@obeys("N n_in -> N n_out")
class Linear(Layer):
    """y = x W + b"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        n_in = shape[0]
        self.params["W"] = rng.normal(0, np.sqrt(2.0 / n_in), (n_in, self.n_out))
        self.params["b"] = np.zeros(self.n_out)

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["W"].T
