import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("tied_autoencoder_1")
@obeys("N n -> N n")
class TiedAutoencoder(Layer):
    """h = tanh(x W + b), y = h Wᵀ + c: the decoder shares the encoder's weights."""

    def __init__(self, hidden: int = 8):
        self.hidden = hidden

    def build(self, shape, rng):
        n = shape[0]
        self.params["W"] = rng.normal(0, 1 / np.sqrt(n), (n, self.hidden))
        self.params["b"] = np.zeros(self.hidden)
        self.params["c"] = np.zeros(n)

    def forward(self, x):
        self.x = x
        self.code = np.tanh(x @ self.params["W"] + self.params["b"])
        return self.code @ self.params["W"].T + self.params["c"]

    def backward(self, dy):
        W = self.params["W"]
        dz = dy @ W * (1 - self.code**2)
        self.grads["W"] = self.x.T @ dz
        self.grads["b"] = dz.sum(axis=0)
        self.grads["c"] = dy.sum(axis=0)
        return dz @ W.T
