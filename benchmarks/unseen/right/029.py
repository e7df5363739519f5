import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("swiglu_ffn_2")
@obeys("N n_in -> N n_out")
class SwiGLU(Layer):
    """y = swish(u) * v, where [u, v] = x W is one fused projection (Shazeer 2020)"""

    def __init__(self, n_out: int):
        self.n_out = n_out

    def build(self, shape, rng):
        self.params["W"] = rng.normal(0, np.sqrt(1 / shape[0]), (shape[0], 2 * self.n_out))

    def forward(self, x):
        self.x = x
        uv = x @ self.params["W"]
        self.u, self.v = uv[:, : self.n_out], uv[:, self.n_out :]
        self.sig = 0.5 * (1 + np.tanh(0.5 * self.u))
        return self.u * self.sig * self.v

    def backward(self, dy):
        dv = dy * self.u * self.sig
        du = dy * self.v * (self.sig + self.u * self.sig * (1 - self.sig))
        duv = np.concatenate([du, dv], axis=1)
        self.grads["W"] = self.x.T @ duv
        return duv @ self.params["W"].T
