import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("squeeze_excite_1")
@obeys("N c h w -> N c h w")
class SqueezeExcite(Layer):
    """Scales every channel by σ(mean over pixels · W + b)."""

    examples = [{"input_shape": (3, 2, 4)}]

    def build(self, shape, rng):
        c = shape[0]
        self.params["W"] = rng.normal(0, 1 / np.sqrt(c), (c, c))
        self.params["b"] = np.zeros(c)

    def forward(self, x):
        self.x = x
        self.squeezed = x.mean(axis=(2, 3))
        z = self.squeezed @ self.params["W"] + self.params["b"]
        self.scale = 0.5 * (1 + np.tanh(0.5 * z))
        return x * self.scale[:, :, None, None]

    def backward(self, dy):
        dscale = (dy * self.x).sum(axis=(2, 3))
        dz = dscale * self.scale * (1 - self.scale)
        self.grads["W"] = self.squeezed.T @ dz
        self.grads["b"] = dz.sum(axis=0)
        dsqueezed = dz @ self.params["W"].T
        pixels = self.x.shape[2] * self.x.shape[3]
        return dy * self.scale[:, :, None, None] + dsqueezed[:, :, None, None]
