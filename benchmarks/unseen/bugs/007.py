import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("quadratic_dense_6")
@obeys("N n_in -> N n_out")
class QuadraticDense(Layer):
    """y = x W + (x U)² + b"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        scale = 1 / np.sqrt(shape[0])
        self.params["W"] = rng.normal(0, scale, (shape[0], self.n_out))
        self.params["U"] = rng.normal(0, scale, (shape[0], self.n_out))
        self.params["b"] = np.zeros(self.n_out)

    def forward(self, x):
        self.x = x
        self.q = x @ self.params["U"]
        return x @ self.params["W"] + self.q**2 + self.params["b"]

    def backward(self, dy):
        dq = dy * self.q
        self.grads["W"] = self.x.T @ dy
        self.grads["U"] = self.x.T @ dq
        self.grads["b"] = dy.sum(axis=0)
        return dy @ self.params["W"].T + dq @ self.params["U"].T
