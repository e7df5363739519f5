import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("group_norm_1")
@obeys("N c h w -> N c h w")
class GroupNorm(Layer):
    """Normalizes groups of channels of each sample (Wu & He 2018)."""

    examples = [{"groups": 2, "input_shape": (4, 2, 3)}]

    def __init__(self, groups: int = 2, eps: float = 1e-5):
        self.groups = groups
        self.eps = eps

    def build(self, shape, rng):
        self.params["gamma"] = np.ones(shape[0])
        self.params["beta"] = np.zeros(shape[0])

    def forward(self, x):
        v = x.reshape(len(x), self.groups, -1)
        self.istd = 1 / np.sqrt(v.var(axis=2, keepdims=True) + self.eps)
        self.vhat = (v - v.mean(axis=2, keepdims=True)) * self.istd
        xhat = self.vhat.reshape(x.shape)
        return xhat * self.params["gamma"][:, None, None] + self.params["beta"][:, None, None]

    def backward(self, dy):
        self.grads["gamma"] = (dy * self.vhat.reshape(dy.shape)).sum(axis=(0, 2, 3))
        self.grads["beta"] = dy.sum(axis=(0, 2, 3))
        d = (dy * self.params["gamma"][:, None, None]).reshape(self.vhat.shape)
        axis = (1, 2)
        d = d - d.mean(axis=axis, keepdims=True) - self.vhat * (d * self.vhat).mean(axis=axis, keepdims=True)
        return (d * self.istd).reshape(dy.shape)
