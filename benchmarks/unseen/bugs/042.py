import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_dropout_3")
@obeys("N ... -> N ...")
class MyDropout(Layer):
    """Drops each unit with probability `rate` in training and scales up the rest; nothing at test time."""

    def __init__(self, rate: float = 0.2):
        self.rate = rate

    def build(self, shape, rng):
        self.rng = rng

    def forward(self, x):
        self.mask = None
        if not self.training:
            return x
        kept = self.rng.random(x.shape) >= self.rate
        self.mask = kept.astype(x.dtype) / self.rate
        return x * self.mask

    def backward(self, dy):
        return dy if self.mask is None else dy * self.mask
