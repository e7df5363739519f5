import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("res_block_2")
@obeys("N n -> N n")
class ResBlock(Layer):
    """y = x + relu(x W1 + b) W2, as wide inside as outside."""

    def build(self, shape, rng):
        n = shape[0]
        self.params["W1"] = rng.normal(0, np.sqrt(2 / n), (n, n))
        self.params["b"] = np.zeros(n)
        self.params["W2"] = rng.normal(0, np.sqrt(2 / n), (n, n))

    def forward(self, x):
        self.x = x
        self.z = x @ self.params["W1"] + self.params["b"]
        self.a = np.where(self.z > 0, self.z, 0)
        return x + self.a @ self.params["W2"]

    def backward(self, dy):
        self.grads["W2"] = self.a.T @ dy
        da = dy @ self.params["W2"].T
        dz = np.where(self.x > 0, da, 0)
        self.grads["W1"] = self.x.T @ dz
        self.grads["b"] = dz.sum(axis=0)
        return dy + dz @ self.params["W1"].T
