import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("scale_shift_4")
@obeys("N n -> N n")
class ScaleShift(Layer):
    """y = (x - shift) * exp(logscale), per feature"""

    def build(self, shape, rng):
        self.params["shift"] = np.zeros(shape) + 0.1
        self.params["logscale"] = np.zeros(shape)

    def forward(self, x):
        x = x - self.params["shift"]
        self.centered = x
        return x * np.exp(self.params["logscale"])

    def backward(self, dy):
        scaled = dy * np.exp(self.params["logscale"])
        self.grads["logscale"] = (scaled * self.centered).sum(axis=0)
        self.grads["shift"] = -scaled.sum(axis=0)
        return scaled
