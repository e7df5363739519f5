import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("highway_3")
@obeys("N n -> N n")
class Highway(Layer):
    """y = T(x) H(x) + (1 - T(x)) x (Srivastava et al. 2015)"""

    def build(self, shape, rng):
        n = shape[0]
        self.params = {
            "WH": rng.normal(0, 1 / np.sqrt(n), (n, n)),
            "bH": np.zeros(n),
            "WT": rng.normal(0, 1 / np.sqrt(n), (n, n)),
            "bT": np.full(n, -1.0),
        }

    def forward(self, x):
        p = self.params
        self.x = x
        self.H = np.tanh(x @ p["WH"] + p["bH"])
        self.T = 0.5 * (1 + np.tanh(0.5 * (x @ p["WT"] + p["bT"])))
        return self.T * self.H + (1 - self.T) * x

    def backward(self, dy):
        dH = dy * self.T * (1 - self.H**2)
        dT = dy * self.H * self.T * (1 - self.T)
        self.grads["WH"], self.grads["bH"] = self.x.T @ dH, dH.sum(axis=0)
        self.grads["WT"], self.grads["bT"] = self.x.T @ dT, dT.sum(axis=0)
        return dy * (1 - self.T) + dH @ self.params["WH"].T + dT @ self.params["WT"].T
