import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("mish_activation_2")
@obeys("N ... -> N ...")
class MishActivation(Layer):
    """mish(x) = x * tanh(softplus(x))"""

    def forward(self, x):
        self.x = x
        self.tsp = np.tanh(np.logaddexp(0, x))
        return x * self.tsp

    def backward(self, dy):
        sig = 0.5 * (1 + np.tanh(0.5 * self.x))
        dtsp = (1 - self.tsp**2) * sig
        return dy * (self.tsp + self.x * dtsp)
