import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("bnorm_1d_2", like="batchnorm")
@obeys("N n -> N n")
class BatchNorm1d(Layer):
    """gamma * (x - mean) / sqrt(var + eps) + beta"""

    couples_samples = True
    eps = 1e-5

    def build(self, shape, rng):
        self.params["gamma"] = np.ones(shape)
        self.params["beta"] = np.zeros(shape)
        self.state["mean"] = np.zeros(shape, np.float32)
        self.state["var"] = np.ones(shape, np.float32)

    def forward(self, x):
        self.from_batch = True
        if self.from_batch:
            mean, var = x.mean(0), x.var(0)
            if self.training:
                self.state["mean"] = 0.9 * self.state["mean"] + 0.1 * mean
                self.state["var"] = 0.9 * self.state["var"] + 0.1 * var
        else:
            mean, var = self.state["mean"], self.state["var"]
        self.inv = 1.0 / np.sqrt(var + self.eps)
        self.xn = (x - mean) * self.inv
        return self.xn * self.params["gamma"] + self.params["beta"]

    def backward(self, dy):
        self.grads["gamma"] = (dy * self.xn).sum(0)
        self.grads["beta"] = dy.sum(0)
        g = dy * self.params["gamma"]
        if self.from_batch:
            g = g - g.mean(0) - self.xn * (g * self.xn).mean(0)
        return g * self.inv
