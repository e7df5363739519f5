import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("two_step_9")
@obeys("N n -> N n")
class TwoStep(Layer):
    """Two tanh layers of the same width in one: y = tanh(tanh(x W1) W2)."""

    def build(self, shape, rng):
        n = shape[0]
        for key in ("W1", "W2"):
            self.params[key] = rng.normal(0, 1 / np.sqrt(n), (n, n))

    def forward(self, x):
        self.x = x
        h = np.tanh(x @ self.params["W1"])
        self.h = h
        self.y = np.tanh(h @ self.params["W2"])
        return self.y

    def backward(self, dy):
        dz2 = dy * (1 - self.y * self.y)
        self.grads["W2"] = self.h.T @ dz2
        dh = dz2 @ self.params["W2"].T
        dz1 = dh * (1 - self.h * self.h)
        self.grads["W1"] = self.x.T @ dz1
        return dz1 @ self.params["W1"].T
