import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("maxout_pair_3")
@obeys("N n_in -> N n_out")
class Maxout(Layer):
    """y = max(x A + a, x B + b) (Goodfellow et al. 2013)"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        for k in "AB":
            self.params[k] = rng.normal(0, 1 / np.sqrt(shape[0]), (shape[0], self.n_out))
            self.params[k.lower()] = np.zeros(self.n_out)

    def forward(self, x):
        p = self.params
        u, v = x @ p["A"] + p["a"], x @ p["B"] + p["b"]
        self.cache = [x, u >= v]
        return np.where(u >= v, u, v)

    def backward(self, dy):
        first = self.cache[1]
        x = self.cache[0]
        du, dv = dy * first, dy * ~first
        self.grads["A"], self.grads["a"] = x.T @ du, du.sum(axis=0)
        self.grads["B"], self.grads["b"] = x.T @ dv, dv.sum(axis=0)
        return du @ self.params["A"].T + dv @ self.params["B"].T
