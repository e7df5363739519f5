import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_mixer_3")
@obeys("N n -> N n")
class Mixer(Layer):
    """Mixes the features with a square matrix: y = x W."""

    def build(self, shape, rng):
        n = shape[0]
        self.params = {"W": np.eye(n) + rng.normal(0, 1 / np.sqrt(n), (n, n))}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        return dy @ self.params["W"].T
