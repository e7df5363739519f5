import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("self_attention_2")
@obeys("N t d -> N t d")
class SelfAttention(Layer):
    """softmax(Q Kᵀ / √d) V, one head, no mask"""

    examples = [{"input_shape": (4, 3)}]

    def build(self, shape, rng):
        d = shape[-1]
        for k in ("Wq", "Wk", "Wv"):
            self.params[k] = rng.normal(0, 1 / np.sqrt(d), (d, d))

    def forward(self, x):
        self.x = x
        self.q, self.k, self.v = (x @ self.params[k] for k in ("Wq", "Wk", "Wv"))
        self.scale = x.shape[-1] ** -0.5
        s = self.q @ self.k.transpose(0, 2, 1) * self.scale
        e = np.exp(s - s.max(axis=-1, keepdims=True))
        self.att = e / e.sum(axis=-1, keepdims=True)
        return self.att @ self.v

    def backward(self, dy):
        datt = dy @ self.v.transpose(0, 2, 1)
        dv = self.att.transpose(0, 2, 1) @ dy
        ds = self.att * (datt - (datt * self.att).sum(axis=-1, keepdims=True))
        dq = ds @ self.k
        dk = ds.transpose(0, 2, 1) @ self.q
        dx = 0
        for name, d in (("Wq", dq), ("Wk", dk), ("Wv", dv)):
            self.grads[name] = np.einsum("nti,ntj->ij", self.x, d)
            dx = dx + d @ self.params[name].T
        return dx
