import numpy as np

from nn import Layer, layer
from spec import obeys


@layer("gru_seq_3")
@obeys("N steps d -> N steps hidden")
class GRU(Layer):
    """h = (1 - z) n + z h', with n = tanh(x Wn + (r h') Un); returns every hidden state."""

    examples = [{"hidden": 3, "input_shape": (4, 2)}]

    def __init__(self, hidden: int = 8):
        self.hidden = hidden

    def build(self, shape, rng):
        d, H = shape[1], self.hidden
        for gate in "zrn":
            self.params["W" + gate] = rng.normal(0, 1 / np.sqrt(d), (d, H))
            self.params["U" + gate] = rng.normal(0, 1 / np.sqrt(H), (H, H))

    def forward(self, x):
        p = self.params
        self.x, self.cache = x, []
        h = np.zeros((len(x), self.hidden), x.dtype)
        out = np.empty((len(x), x.shape[1], self.hidden), x.dtype)
        for t in range(x.shape[1]):
            xt = x[:, t]
            z = 0.5 * (1 + np.tanh(0.5 * (xt @ p["Wz"] + h @ p["Uz"])))
            r = 0.5 * (1 + np.tanh(0.5 * (xt @ p["Wr"] + h @ p["Ur"])))
            n = np.tanh(xt @ p["Wn"] + (r * h) @ p["Un"])
            self.cache.append((h, z, r, n))
            h = (1 - z) * n + z * h
            out[:, t] = h
        return out

    def backward(self, dy):
        p = self.params
        grads = {k: np.zeros_like(v) for k, v in p.items()}
        dx = np.zeros_like(self.x)
        dnext = np.zeros_like(dy[:, 0])
        for t in reversed(range(dy.shape[1])):
            h, z, r, n = self.cache[t]
            xt, dh = self.x[:, t], dy[:, t] + dnext
            dn = dh * (1 - z) * (1 - n**2)
            dz = dh * (h - n) * z * (1 - z)
            drh = dn @ p["Un"].T
            dr = drh * h * r * (1 - r)
            grads["Wn"] += xt.T @ dn
            grads["Un"] += (r * h).T @ dn
            grads["Wz"] += xt.T @ dz
            grads["Uz"] += h.T @ dz
            grads["Wr"] += xt.T @ dr
            grads["Ur"] += h.T @ dr
            dx[:, t] = dn @ p["Wn"].T + dz @ p["Wz"].T + dr @ p["Wr"].T
            dnext = dh * z + drh * r + dz @ p["Uz"].T + dr @ p["Ur"].T
        self.grads.update(grads)
        return dx
