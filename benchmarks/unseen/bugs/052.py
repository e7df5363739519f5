import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("leaky_rnn_1")
@obeys("N steps d -> N hidden")
class LeakyRNN(Layer):
    """h ← a h + (1 - a) tanh(x_t W + b) over the steps, from h = 0."""

    examples = [{"hidden": 3, "input_shape": (4, 2)}]

    def __init__(self, hidden: int = 8, a: float = 0.6):
        self.hidden, self.a = hidden, a
        self.h = None

    def build(self, shape, rng):
        self.params["W"] = rng.normal(0, 1 / np.sqrt(shape[1]), (shape[1], self.hidden))
        self.params["b"] = np.zeros(self.hidden)

    def forward(self, x):
        self.x = x
        if self.h is None or self.h.shape[0] != len(x):
            self.h = np.zeros((len(x), self.hidden), x.dtype)
        self.cand = []
        for t in range(x.shape[1]):
            self.cand.append(np.tanh(x[:, t] @ self.params["W"] + self.params["b"]))
            self.h = self.a * self.h + (1 - self.a) * self.cand[-1]
        return self.h

    def backward(self, dy):
        dW, db = np.zeros_like(self.params["W"]), np.zeros_like(self.params["b"])
        dx, dh = np.zeros_like(self.x), dy
        for t in range(self.x.shape[1] - 1, -1, -1):
            dz = dh * (1 - self.a) * (1 - self.cand[t] ** 2)
            dW += self.x[:, t].T @ dz
            db += dz.sum(axis=0)
            dx[:, t] = dz @ self.params["W"].T
            dh = self.a * dh
        self.grads |= {"W": dW, "b": db}
        return dx
