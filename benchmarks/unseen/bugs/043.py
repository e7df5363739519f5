import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("dropout_np_1")
@obeys("N ... -> N ...")
class DropoutLayer(Layer):
    def __init__(self, rate: float = 0.3):
        self.rate = rate

    def build(self, shape, rng):
        self.rng = rng

    def forward(self, x):
        if self.training and self.rate > 0:
            rng = np.random.default_rng(42)
            self.mask = (rng.random(x.shape) > self.rate) / (1 - self.rate)
        else:
            self.mask = np.ones(x.shape)
        self.mask = self.mask.astype(x.dtype)
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask
