import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("depthwise_conv_1")
@obeys("N c h w -> N c oh ow")
class DepthwiseConv(Layer):
    """One k x k kernel per channel, no padding."""

    examples = [{"k": 3, "input_shape": (2, 5, 4)}]

    def __init__(self, k: int = 3):
        self.k = k

    def build(self, shape, rng):
        self.params["K"] = rng.normal(0, 1 / self.k, (shape[0], self.k, self.k))

    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        h, w = H - self.k + 1, W - self.k + 1
        y = np.zeros((N, C, h, w))
        for i in range(self.k):
            for j in range(self.k):
                y += x[:, :, i : i + h, j : j + w] * self.params["K"][:, i, j].reshape(C, 1, 1)
        return y

    def backward(self, dy):
        C, h, w = dy.shape[1:]
        dx = np.zeros_like(self.x)
        dK = np.zeros_like(self.params["K"])
        for i in range(self.k):
            for j in range(self.k):
                dx[:, :, i : i + h, j : j + w] += dy * self.params["K"][:, i, j].reshape(C, 1, 1)
                dK[:, i, j] = (dy * self.x[:, :, i : i + h, j : j + w]).sum(axis=(0, 2, 3))
        self.grads["K"] = dK
        return dx
