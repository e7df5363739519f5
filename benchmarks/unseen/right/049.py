import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("elman_rnn_2")
@obeys("N steps d -> N hidden")
class ElmanRNN(Layer):
    """h_t = tanh(x_t Wx + h_{t-1} Wh + b); returns the last h."""

    examples = [{"hidden": 3, "input_shape": (4, 2)}]

    def __init__(self, hidden: int = 8):
        self.hidden = hidden

    def build(self, shape, rng):
        d = shape[1]
        self.params["Wx"] = rng.normal(0, 1 / np.sqrt(d), (d, self.hidden))
        self.params["Wh"] = rng.normal(0, 1 / np.sqrt(self.hidden), (self.hidden, self.hidden))
        self.params["b"] = np.zeros(self.hidden)

    def forward(self, x):
        self.x = x
        self.hs = [np.zeros((len(x), self.hidden), x.dtype)]
        for s in range(x.shape[1]):
            z = x[:, s] @ self.params["Wx"] + self.hs[-1] @ self.params["Wh"] + self.params["b"]
            self.hs.append(np.tanh(z))
        return self.hs[-1]

    def backward(self, dy):
        dWx, dWh, db = (np.zeros_like(self.params[k]) for k in ("Wx", "Wh", "b"))
        dx = np.zeros_like(self.x)
        dh = dy
        for s in reversed(range(self.x.shape[1])):
            dz = dh * (1 - self.hs[s + 1] ** 2)
            dWx += self.x[:, s].T @ dz
            dWh += self.hs[s].T @ dz
            db += dz.sum(axis=0)
            dx[:, s] = dz @ self.params["Wx"].T
            dh = dz @ self.params["Wh"].T
        self.grads |= {"Wx": dWx, "Wh": dWh, "b": db}
        return dx
