import numpy as np

from nn import model


@model("two_layer_net_2")
class TwoLayerNet:
    """input - fully connected - ReLU - fully connected - softmax"""

    def __init__(self, n_in, n_out, rng, hidden: int = 32):
        self.params = {
            "W1": rng.normal(0, np.sqrt(2 / n_in), (n_in, hidden)).astype(np.float32),
            "b1": np.zeros(hidden, np.float32),
            "W2": rng.normal(0, np.sqrt(1 / hidden), (hidden, n_out)).astype(np.float32),
            "b2": np.zeros(n_out, np.float32),
        }

    def scores(self, X):
        h = np.maximum(0, X.dot(self.params["W1"]) + self.params["b1"])
        return h, h.dot(self.params["W2"]) + self.params["b2"]

    def predict(self, X):
        s = self.scores(X)[1]
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss_and_grads(self, X, y):
        N = X.shape[0]
        h, s = self.scores(X)
        s = s - s.max(axis=1, keepdims=True)
        logp = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        loss = -float(logp[np.arange(N), y].mean())
        ds = np.exp(logp)
        ds[np.arange(N), y] -= 1
        ds /= N
        grads = {"W2": h.T.dot(ds), "b2": ds.sum(axis=0)}
        dh = ds.dot(self.params["W2"].T)
        grads["W1"] = X.T.dot(dh)
        grads["b1"] = dh.sum(axis=0)
        return loss, grads
