"""A reference solution: layers and a loss by hand."""

import numpy as np


class Dense:
    """y = x W + b"""

    def __init__(self, n_in, n_out):
        self.W = np.random.default_rng(0).normal(0, np.sqrt(2 / n_in), (n_in, n_out))
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T


class ReLU:
    """y = max(0, x)"""

    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, dy):
        return dy * (self.x > 0)


class SoftmaxCrossEntropy:
    """The mean of −log softmax(z)[label]."""

    def forward(self, z, y):
        shifted = z - z.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p, self.y = np.exp(log_p), y
        return -log_p[np.arange(len(y)), y].mean()

    def backward(self):
        dz = self.p.copy()
        dz[np.arange(len(self.y)), self.y] -= 1
        return dz / len(self.y)


class Network:
    """Dense, ReLU, Dense, trained by gradient descent."""

    def __init__(self, n_in=784, n_hidden=64, n_out=10):
        self.layers = [Dense(n_in, n_hidden), ReLU(), Dense(n_hidden, n_out)]
        self.loss = SoftmaxCrossEntropy()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def fit(self, x, y, epochs=1, lr=0.1, batch_size=32):
        rng = np.random.default_rng(0)
        for _ in range(epochs):
            rows = rng.permutation(len(x))
            for start in range(0, len(x), batch_size):
                batch = rows[start : start + batch_size]
                self.loss.forward(self.forward(x[batch]), y[batch])
                dy = self.loss.backward()
                for layer in reversed(self.layers):
                    dy = layer.backward(dy)
                for layer in self.layers:
                    if hasattr(layer, "W"):
                        layer.W -= lr * layer.dW
                        layer.b -= lr * layer.db

    def predict(self, x):
        return self.forward(x).argmax(axis=1)
