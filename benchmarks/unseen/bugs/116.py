import numpy as np

from nn import model


@model("ridge_softmax_1")
class RidgeSoftmax:
    """Softmax regression with ½ λ |W|² in the loss"""

    def __init__(self, n_in, n_out, rng, reg: float = 1e-2):
        self.reg = reg
        self.params = {
            "W": rng.normal(0, 0.01, (n_in, n_out)).astype(np.float32),
            "b": np.zeros(n_out, np.float32),
        }

    def predict(self, x):
        z = x @ self.params["W"] + self.params["b"]
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, x, labels):
        W = self.params["W"]
        rows = np.arange(len(x))
        z = x @ W + self.params["b"]
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        loss = -logp[rows, labels].mean() + 0.5 * self.reg * (W * W).sum()
        d = np.exp(logp)
        d[rows, labels] -= 1
        d = d / len(x)
        return float(loss), {"W": x.T @ d + 2 * self.reg * W, "b": d.sum(axis=0)}
