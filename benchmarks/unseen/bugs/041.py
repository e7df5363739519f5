import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("inverted_dropout_5", like="dropout")
@obeys("N ... -> N ...")
class InvertedDropout(Layer):
    def __init__(self, rate: float = 0.5):
        self.rate = rate

    def build(self, shape, rng):
        self.rng = rng

    def forward(self, x):
        self.keep = 1 - self.rate if self.training else 1.0
        self.mask = self.rng.random(x.shape) < self.keep
        return x * self.mask / self.keep

    def backward(self, dy):
        return dy * self.mask
