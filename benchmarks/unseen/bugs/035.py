import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("batch_norm_layer_9")
@obeys("N n -> N n")
class BatchNormLayer(Layer):
    couples_samples = True

    def __init__(self, rho: float = 0.95):
        self.rho = rho

    def build(self, shape, rng):
        self.params["g"] = np.ones(shape)
        self.params["b"] = np.zeros(shape)
        self.state["mu"] = np.zeros(shape, np.float32)
        self.state["var"] = np.ones(shape, np.float32)

    def forward(self, x):
        self.was_training = self.training
        if self.training:
            mu, var = x.mean(axis=0), x.var(axis=0)
            self.state["mu"] = self.rho * self.state["mu"] + (1 - self.rho) * mu
            self.state["var"] = self.rho * self.state["var"] + (1 - self.rho) * var
        else:
            mu, var = self.state["mu"], self.state["var"]
        self.sigma = np.sqrt(var + 1e-5)
        self.z = (x - mu) / self.sigma
        return self.z * self.params["g"] + self.params["b"]

    def backward(self, dy):
        self.grads["g"] = (dy * self.z).sum(axis=0)
        self.grads["b"] = dy.sum(axis=0)
        dz = dy * self.params["g"]
        return (dz - dz.mean(axis=0) - self.z * (dz * self.z).mean(axis=0)) / self.sigma
