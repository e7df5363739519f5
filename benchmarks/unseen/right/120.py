import numpy as np

from nn import model


@model("skip_net_1")
class SkipNet:
    """logits = relu(x W1 + b1) W2 + x S + b2: a hidden layer and a linear skip"""

    def __init__(self, n_in, n_out, rng):
        H = 20
        init = lambda a, b: rng.normal(0, np.sqrt(1 / a), (a, b)).astype(np.float32)
        self.params = {"W1": init(n_in, H), "b1": np.zeros(H, np.float32), "W2": init(H, n_out)}
        self.params["S"] = 0.1 * init(n_in, n_out)
        self.params["b2"] = np.zeros(n_out, np.float32)

    def hidden(self, x):
        return np.maximum(0, x @ self.params["W1"] + self.params["b1"])

    def predict(self, x):
        z = self.hidden(x) @ self.params["W2"] + x @ self.params["S"] + self.params["b2"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        p, n = self.params, len(x)
        h = self.hidden(x)
        z = h @ p["W2"] + x @ p["S"] + p["b2"]
        z = z - z.max(axis=1, keepdims=True)
        logq = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        d = np.exp(logq)
        d[np.arange(n), labels] -= 1
        d /= n
        dh = (d @ p["W2"].T) * (h > 0)
        grads = {
            "W1": x.T @ dh,
            "b1": dh.sum(axis=0),
            "W2": h.T @ d,
            "S": x.T @ d,
            "b2": d.sum(axis=0),
        }
        return -float(logq[np.arange(n), labels].mean()), grads
