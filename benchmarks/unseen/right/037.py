import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("rms_norm_7", like="rmsnorm")
@obeys("N n -> N n")
class RMSNorm(Layer):
    """y = g * x / sqrt(mean(x²) + eps), as in LLaMA"""

    def __init__(self, eps: float = 1e-6):
        self.eps = eps

    def build(self, shape, rng):
        self.params["g"] = np.ones(shape)

    def forward(self, x):
        self.r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.eps)
        self.xn = x * self.r
        return self.params["g"] * self.xn

    def backward(self, dy):
        self.grads["g"] = (dy * self.xn).sum(axis=0)
        dn = dy * self.params["g"]
        dot = (dn * self.xn).mean(axis=-1, keepdims=True)
        return self.r * (dn - self.xn * dot)
