import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("conv3x3_2")
@obeys("N c h w -> N filters h w")
class Conv3x3(Layer):
    """3x3 convolution with padding 1, in plain loops over the kernel."""

    examples = [{"filters": 2, "input_shape": (2, 4, 5)}]

    def __init__(self, filters: int = 4):
        self.filters = filters

    def build(self, shape, rng):
        c = shape[0]
        self.params["W"] = rng.normal(0, np.sqrt(2 / (9 * c)), (self.filters, c, 3, 3))
        self.params["b"] = np.zeros(self.filters)

    def forward(self, x):
        self.padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        H, W = x.shape[2:]
        out = 0
        for i in range(3):
            for j in range(3):
                patch = self.padded[:, :, i : i + H, j : j + W]
                out = out + np.einsum("nchw,fc->nfhw", patch, self.params["W"][:, :, i, j])
        return out + self.params["b"][:, None, None]

    def backward(self, dy):
        H, W = dy.shape[2:]
        dpad = np.zeros_like(self.padded)
        dW = np.zeros_like(self.params["W"])
        for i in range(3):
            for j in range(3):
                patch = self.padded[:, :, i : i + H, j : j + W]
                dW[:, :, i, j] = np.einsum("nfhw,nchw->fc", dy, patch)
                dpad[:, :, i : i + H, j : j + W] += np.einsum("nfhw,fc->nchw", dy, self.params["W"][:, :, i, j])
        self.grads["W"] = dW
        self.grads["b"] = dy.sum(axis=(0, 2, 3))
        return dpad[:, :, :H, :W]
