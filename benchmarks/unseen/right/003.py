import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("fc_layer_5")
@obeys("N n_in -> N n_out")
class FullyConnected(Layer):
    """Fully connected layer: out = x.dot(W) + b"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        (n_in,) = shape
        limit = np.sqrt(6.0 / (n_in + self.n_out))
        self.params = {
            "W": rng.uniform(-limit, limit, (n_in, self.n_out)),
            "b": np.zeros(self.n_out),
        }
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}

    def forward(self, x):
        self.cache = x
        return x.dot(self.params["W"]) + self.params["b"]

    def backward(self, dout):
        x = self.cache
        self.grads["W"] = x.T.dot(dout)
        self.grads["b"] = np.sum(dout, axis=0)
        return dout.dot(self.params["W"].T)
