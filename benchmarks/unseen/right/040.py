import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("instance_norm_3")
@obeys("N c h w -> N c h w")
class InstanceNorm(Layer):
    """Normalizes each channel of each image over its pixels."""

    examples = [{"input_shape": (3, 4, 4)}]
    axes = (2, 3)

    def forward(self, x):
        mean = x.mean(axis=self.axes, keepdims=True)
        self.istd = 1 / np.sqrt(x.var(axis=self.axes, keepdims=True) + 1e-5)
        self.y = (x - mean) * self.istd
        return self.y

    def backward(self, dy):
        centered = dy - dy.mean(axis=self.axes, keepdims=True)
        return self.istd * (centered - self.y * (dy * self.y).mean(axis=self.axes, keepdims=True))
