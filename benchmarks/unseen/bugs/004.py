import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_affine_8")
@obeys("N n_in -> N n_out")
class Affine(Layer):
    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        n_in = shape[0]
        self.params["W"] = np.random.randn(n_in, self.n_out) * np.sqrt(2 / n_in)
        self.params["b"] = np.zeros((self.n_out,))

    def forward(self, x):
        self.x = x
        return np.dot(x, self.params["W"]) + self.params["b"]

    def backward(self, dy):
        self.grads["W"] = np.dot(self.x.T, dy)
        self.grads["b"] = np.sum(dy, axis=0)
        return np.dot(dy, self.params["W"].T)
