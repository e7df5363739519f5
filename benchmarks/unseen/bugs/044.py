import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("conv_1d_4")
@obeys("N length -> N out")
class Conv1d(Layer):
    """Correlates one signal with one kernel of size k, no padding."""

    examples = [{"k": 3, "input_shape": (7,)}]

    def __init__(self, k: int = 3):
        self.k = k

    def build(self, shape, rng):
        self.params["w"] = rng.normal(0, 1 / np.sqrt(self.k), self.k)
        self.params["b"] = np.zeros(1)

    def forward(self, x):
        self.x = x
        m = x.shape[1] - self.k + 1
        w = self.params["w"]
        return sum(w[j] * x[:, j : j + m] for j in range(self.k)) + self.params["b"]

    def backward(self, dy):
        m = dy.shape[1]
        w = self.params["w"]
        dx = np.zeros_like(self.x)
        dw = np.zeros_like(w)
        for j in range(self.k):
            dw[j] = np.sum(dy * self.x[:, j : j + m])
            dx[:, j : j + m] += dy * w[self.k - 1 - j]
        self.grads["w"] = dw
        self.grads["b"] = np.array([dy.sum()])
        return dx
