import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("attention_pool_1")
@obeys("N t d -> N d")
class AttentionPool(Layer):
    """y = Σ_t a_t x_t with a = softmax over t of tanh(x_t) · v"""

    examples = [{"input_shape": (4, 3)}]

    def build(self, shape, rng):
        self.params["v"] = rng.normal(0, 1, shape[1])

    def forward(self, x):
        self.x, self.u = x, np.tanh(x)
        score = self.u @ self.params["v"]
        e = np.exp(score - score.max(axis=1, keepdims=True))
        self.a = e / e.sum(axis=1, keepdims=True)
        return (self.a[:, :, None] * x).sum(axis=1)

    def backward(self, dy):
        da = (dy[:, None, :] * self.x).sum(axis=2)
        dscore = self.a * (da - (da * self.a).sum(axis=1, keepdims=True))
        self.grads["v"] = (dscore[:, :, None] * self.u).sum(axis=(0, 1))
        dx = self.a[:, :, None] * dy[:, None, :]
        dx = dx + dscore[:, :, None] * self.params["v"] * (1 - self.u**2)
        return dx
