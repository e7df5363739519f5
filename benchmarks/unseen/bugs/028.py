import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("glu_half_1")
@obeys("N n -> N half")
class GLU(Layer):
    """Splits the features into a and b: y = a σ(b) (Dauphin et al. 2017)"""

    examples = [{"input_shape": (6,)}]

    def forward(self, x):
        a, b = np.split(x, 2, axis=1)
        self.a, self.gate = a, 0.5 * (1 + np.tanh(0.5 * b))
        return a * self.gate

    def backward(self, dy):
        da = dy * self.gate
        db = dy * self.gate * (1 - self.gate)
        return np.concatenate([da, db], axis=1)
