import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("my_batch_norm_6", like="batchnorm")
@obeys("N n -> N n")
class MyBatchNorm(Layer):
    couples_samples = True

    def __init__(self, momentum: float = 0.9, eps: float = 1e-5):
        self.momentum = momentum
        self.eps = eps

    def build(self, shape, rng):
        self.params["gamma"] = np.ones(shape)
        self.params["beta"] = np.zeros(shape)
        self.state["running_mean"] = np.zeros(shape, dtype=np.float32)
        self.state["running_var"] = np.ones(shape, dtype=np.float32)

    def forward(self, x):
        self.mode = "train" if self.training else "test"
        if self.mode == "train":
            mean = np.mean(x, axis=0)
            var = np.var(x, axis=0)
            s = self.state
            s["running_mean"] = self.momentum * s["running_mean"] + (1 - self.momentum) * mean
            s["running_var"] = self.momentum * s["running_var"] + (1 - self.momentum) * var
        else:
            mean, var = self.state["running_mean"], self.state["running_var"]
        self.std = np.sqrt(var + self.eps)
        self.x_norm = (x - mean) / self.std
        return self.params["gamma"] * self.x_norm + self.params["beta"]

    def backward(self, dout):
        self.grads["beta"] = np.sum(dout, axis=0)
        self.grads["gamma"] = np.sum(dout * self.x_norm, axis=0)
        dx_norm = dout * self.params["gamma"]
        if self.mode == "test":
            return dx_norm / self.std
        N = dout.shape[0]
        return (
            N * dx_norm - np.sum(dx_norm, axis=0) - self.x_norm * np.sum(dx_norm * self.x_norm, axis=0)
        ) / (N * self.std)
