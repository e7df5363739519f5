import numpy as np

from nn import model


@model("mlp_tanh_3")
class MLP:
    def __init__(self, n_in, n_out, rng):
        H = 24
        self.params = {
            "W1": (rng.standard_normal((n_in, H)) / np.sqrt(n_in)).astype("float32"),
            "b1": np.zeros(H, "float32"),
            "W2": (rng.standard_normal((H, n_out)) / np.sqrt(H)).astype("float32"),
            "b2": np.zeros(n_out, "float32"),
        }

    def predict(self, x):
        a = np.tanh(x @ self.params["W1"] + self.params["b1"])
        z = a @ self.params["W2"] + self.params["b2"]
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def loss_and_grads(self, x, labels):
        m = len(x)
        a = np.tanh(x @ self.params["W1"] + self.params["b1"])
        z = a @ self.params["W2"] + self.params["b2"]
        z = z - z.max(1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(1, keepdims=True))
        Y = np.eye(z.shape[1], dtype=z.dtype)[labels]
        cost = -float((Y * logp).sum() / m)
        dz2 = (np.exp(logp) - Y) / m
        dz1 = dz2 @ self.params["W2"].T * (1 - a**2)
        return cost, {
            "W1": x.T @ dz1,
            "b1": dz1.sum(axis=0),
            "W2": a.T @ dz2,
            "b2": dz2.sum(axis=0),
        }
