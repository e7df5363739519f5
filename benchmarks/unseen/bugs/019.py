import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("hard_swish_2")
@obeys("N ... -> N ...")
class HardSwish(Layer):
    """x * relu6(x + 3) / 6 (MobileNetV3)"""

    def forward(self, x):
        self.x = x
        return x * np.clip(x + 3, 0, 6) / 6

    def backward(self, dy):
        x = self.x
        slope = np.where(x <= -3, 0, np.where(x >= 3, 1, (x + 3) / 6))
        return dy * slope
