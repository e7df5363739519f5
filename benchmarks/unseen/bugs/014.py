import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("lrelu_12")
@obeys("N ... -> N ...")
class LReLU(Layer):
    """y = x where x > 0, slope * x elsewhere"""

    def __init__(self, slope: float = 0.1):
        self.slope = slope

    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, self.slope * x)

    def backward(self, dy):
        return np.where(self.mask, dy, 0)
