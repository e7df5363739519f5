import numpy as np

from nn import Layer, layer
from spec import obeys


K = 0.044715
ROOT = 0.7978845608


@layer("fast_gelu_6", like="gelu")
@obeys("N ... -> N ...")
class FastGelu(Layer):
    """GELU by the tanh approximation."""

    def forward(self, x):
        self.x = x
        self.th = np.tanh(ROOT * (x + K * x * x * x))
        return 0.5 * x * (1 + self.th)

    def backward(self, dy):
        x = self.x
        du = ROOT * (1 + 3 * K * x * x)
        return dy * 0.5 * (1 + self.th + x * (1 - self.th * self.th) * du)
