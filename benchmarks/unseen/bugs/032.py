import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("bn_simple_3")
@obeys("N n -> N n")
class BatchNormSimple(Layer):
    """Normalizes each feature over the batch; running statistics at test time."""

    couples_samples = True

    def __init__(self, momentum: float = 0.9, eps: float = 1e-5):
        self.momentum, self.eps = momentum, eps

    def build(self, shape, rng):
        self.params = {"gamma": np.ones(shape), "beta": np.zeros(shape)}
        self.state = {"mean": np.zeros(shape, np.float32), "var": np.ones(shape, np.float32)}

    def forward(self, x):
        self.batch = self.training
        if self.training:
            mu, var = x.mean(axis=0), x.var(axis=0)
            m = self.momentum
            self.state["mean"] = m * self.state["mean"] + (1 - m) * mu
            self.state["var"] = m * self.state["var"] + (1 - m) * var
        else:
            mu, var = self.state["mean"], self.state["var"]
        self.istd = 1 / np.sqrt(var + self.eps)
        self.xhat = (x - mu) * self.istd
        return self.params["gamma"] * self.xhat + self.params["beta"]

    def backward(self, dy):
        self.grads["gamma"] = (dy * self.xhat).sum(axis=0)
        self.grads["beta"] = dy.sum(axis=0)
        dxhat = dy * self.params["gamma"]
        return dxhat * self.istd
