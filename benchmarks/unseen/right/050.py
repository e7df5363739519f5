import numpy as np

from nn import Layer, layer
from spec import obeys


def sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


@layer("lstm_last_1")
@obeys("N steps d -> N hidden")
class LSTM(Layer):
    """An LSTM over the steps; returns the last hidden state. Gates in the order i, f, o, g."""

    examples = [{"hidden": 3, "input_shape": (4, 2)}]

    def __init__(self, hidden: int = 8):
        self.hidden = hidden

    def build(self, shape, rng):
        d, H = shape[1], self.hidden
        self.params["Wx"] = rng.normal(0, 1 / np.sqrt(d), (d, 4 * H))
        self.params["Wh"] = rng.normal(0, 1 / np.sqrt(H), (H, 4 * H))
        self.params["b"] = np.zeros(4 * H)

    def forward(self, x):
        H = self.hidden
        self.x, self.steps_cache = x, []
        h = c = np.zeros((x.shape[0], H), dtype=x.dtype)
        for t in range(x.shape[1]):
            a = x[:, t] @ self.params["Wx"] + h @ self.params["Wh"] + self.params["b"]
            i, f, o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))
            g = np.tanh(a[:, 3 * H :])
            next_c = f * c + i * g
            tanh_c = np.tanh(next_c)
            self.steps_cache.append((h, c, i, f, o, g, tanh_c))
            h, c = o * tanh_c, next_c
        return h

    def backward(self, dout):
        grads = {k: np.zeros_like(v) for k, v in self.params.items()}
        dx = np.zeros_like(self.x)
        dh, dc = dout, np.zeros_like(dout)
        for t in reversed(range(self.x.shape[1])):
            h, c, i, f, o, g, tanh_c = self.steps_cache[t]
            do = dh * tanh_c
            dc = dc + dh * o * (1 - tanh_c**2)
            da = np.concatenate(
                [dc * g * i * (1 - i), dc * c * f * (1 - f), do * o * (1 - o), dc * i * (1 - g**2)], axis=1
            )
            grads["Wx"] += self.x[:, t].T @ da
            grads["Wh"] += h.T @ da
            grads["b"] += da.sum(axis=0)
            dx[:, t] = da @ self.params["Wx"].T
            dh = da @ self.params["Wh"].T
            dc = dc * f
        self.grads.update(grads)
        return dx
