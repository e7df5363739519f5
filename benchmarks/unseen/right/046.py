import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("conv_naive_s2")
@obeys("N C H W -> N F HH WW")
class ConvNaive(Layer):
    """Naive convolution as in the CS231n assignment: 3x3, no padding, stride 2."""

    examples = [{"F": 2, "input_shape": (2, 5, 7)}]
    stride = 2

    def __init__(self, F: int = 4):
        self.F = F

    def build(self, shape, rng):
        self.params["W"] = rng.normal(0, np.sqrt(2 / (shape[0] * 9)), (self.F, shape[0], 3, 3))
        self.params["b"] = np.zeros(self.F)

    def forward(self, x):
        self.x = x
        s = self.stride
        N, C, H, W = x.shape
        out = np.zeros((N, self.F, (H - 3) // s + 1, (W - 3) // s + 1), dtype=x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                window = x[:, :, i * s : i * s + 3, j * s : j * s + 3]
                out[:, :, i, j] = np.tensordot(window, self.params["W"], axes=([1, 2, 3], [1, 2, 3]))
        return out + self.params["b"].reshape(1, -1, 1, 1)

    def backward(self, dout):
        s = self.stride
        dx = np.zeros_like(self.x)
        dW = np.zeros_like(self.params["W"])
        for i in range(dout.shape[2]):
            for j in range(dout.shape[3]):
                window = self.x[:, :, i * s : i * s + 3, j * s : j * s + 3]
                dW += np.tensordot(dout[:, :, i, j], window, axes=([0], [0]))
                dx[:, :, i * s : i * s + 3, j * s : j * s + 3] += np.tensordot(
                    dout[:, :, i, j], self.params["W"], axes=([1], [0])
                )
        self.grads["W"] = dW
        self.grads["b"] = dout.sum(axis=(0, 2, 3))
        return dx
