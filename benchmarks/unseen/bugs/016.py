import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_gelu_3")
@obeys("N ... -> N ...")
class MyGELU(Layer):
    """0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))"""

    c = 0.7978845608028654

    def forward(self, x):
        self.x = x
        self.t = np.tanh(self.c * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, dy):
        x, t = self.x, self.t
        inner = self.c
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * inner)
