import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("res_dense_7")
@obeys("N n -> N n")
class ResidualDense(Layer):
    """y = x + W2 relu(W1 x + b1) + b2"""

    def __init__(self, hidden: int = 16):
        self.hidden = hidden

    def build(self, shape, rng):
        n = shape[0]
        self.params["W1"] = rng.normal(0, np.sqrt(2 / n), (n, self.hidden))
        self.params["b1"] = np.zeros(self.hidden)
        self.params["W2"] = rng.normal(0, np.sqrt(1 / self.hidden), (self.hidden, n))
        self.params["b2"] = np.zeros(n)

    def forward(self, x):
        self.x = x
        self.h = np.maximum(0, x @ self.params["W1"] + self.params["b1"])
        return x + self.h @ self.params["W2"] + self.params["b2"]

    def backward(self, dy):
        self.grads["W2"] = self.h.T @ dy
        self.grads["b2"] = dy.sum(axis=0)
        dh = dy @ self.params["W2"].T
        dh = dh * (self.h > 0)
        self.grads["W1"] = self.x.T @ dh
        self.grads["b1"] = dh.sum(axis=0)
        return dh @ self.params["W1"].T + dy
