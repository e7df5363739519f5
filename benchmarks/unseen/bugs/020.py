import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("prelu_channels_1")
@obeys("N n -> N n")
class PReLU(Layer):
    """y = max(0, x) + alpha * min(0, x), alpha per feature (He et al. 2015)"""

    def build(self, shape, rng):
        self.params["alpha"] = np.full(shape, 0.25)

    def forward(self, x):
        self.x = x
        return np.maximum(0, x) + self.params["alpha"] * np.minimum(0, x)

    def backward(self, dy):
        x = self.x
        self.grads["alpha"] = (dy * x).sum(axis=0)
        return dy * np.where(x > 0, 1, self.params["alpha"])
