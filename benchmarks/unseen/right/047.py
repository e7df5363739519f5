import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("maxpool_3s2")
@obeys("N c h w -> N c ph pw")
class MaxPool3s2(Layer):
    """Max pooling, windows 3x3, stride 2 (overlapping, as in AlexNet)."""

    examples = [{"input_shape": (2, 5, 5)}]

    def forward(self, x):
        self.x = x
        N, C, H, W = x.shape
        out = np.empty((N, C, (H - 3) // 2 + 1, (W - 3) // 2 + 1), dtype=x.dtype)
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[:, :, i, j] = x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(2, 3))
        return out

    def backward(self, dy):
        N, C = dy.shape[:2]
        n, c = np.ogrid[:N, :C]
        dx = np.zeros_like(self.x)
        for i in range(dy.shape[2]):
            for j in range(dy.shape[3]):
                window = self.x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                best = window.reshape(N, C, 9).argmax(axis=2)
                dx[n, c, 2 * i + best // 3, 2 * j + best % 3] += dy[:, :, i, j]
        return dx
