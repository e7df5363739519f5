import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("trainable_swish_5")
@obeys("N n -> N n")
class TrainableSwish(Layer):
    """y = x σ(βx), one trainable β per feature."""

    def build(self, shape, rng):
        self.params["beta"] = np.ones(shape)

    def forward(self, x):
        self.x = x
        self.s = 0.5 * (1 + np.tanh(0.5 * self.params["beta"] * x))
        return x * self.s

    def backward(self, dy):
        ds = self.s * (1 - self.s)
        self.grads["beta"] = np.sum(dy * self.x**2 * ds, axis=0)
        return dy * (self.s + self.params["beta"] * self.x * ds)
