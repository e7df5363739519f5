import numpy as np

from nn import model


def sigmoid(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


@model("nielsen_net_1")
class NielsenNet:
    """One hidden layer of sigmoids, softmax on top, after Nielsen's book"""

    def __init__(self, n_in, n_out, rng):
        self.params = {}
        for k, (a, b) in enumerate([(n_in, 30), (30, n_out)]):
            self.params[f"w{k}"] = (rng.standard_normal((a, b)) / np.sqrt(a)).astype(np.float32)
            self.params[f"b{k}"] = np.zeros(b, dtype=np.float32)

    def feedforward(self, x):
        z = x @ self.params["w0"] + self.params["b0"]
        a = sigmoid(z)
        out = a @ self.params["w1"] + self.params["b1"]
        out = out - out.max(axis=1, keepdims=True)
        return z, a, out - np.log(np.exp(out).sum(axis=1, keepdims=True))

    def predict(self, x):
        return np.exp(self.feedforward(x)[2])

    def loss_and_grads(self, x, labels):
        z, a, logp = self.feedforward(x)
        rows = np.arange(len(x))
        delta = np.exp(logp)
        delta[rows, labels] -= 1
        delta /= len(x)
        grads = {"w1": a.T @ delta, "b1": delta.sum(axis=0)}
        delta = (delta @ self.params["w1"].T) * sigmoid_prime(z)
        grads["w0"] = x.T @ delta
        grads["b0"] = delta.sum(axis=0)
        return -float(logp[rows, labels].mean()), grads
