import numpy as np

from nn import model


@model("logreg_multi_2")
class LogisticRegression:
    """Multinomial logistic regression"""

    def __init__(self, n_in, n_out, rng):
        self.params = {"theta": np.zeros((n_in + 1, n_out), np.float32)}

    def logits(self, x):
        theta = self.params["theta"]
        return x @ theta[1:] + theta[0]

    def predict(self, x):
        z = self.logits(x)
        return 0.5 * (1 + np.tanh(0.5 * z))

    def loss_and_grads(self, x, labels):
        z = self.logits(x)
        z = z - z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        error = np.exp(logp)
        error[np.arange(len(x)), labels] -= 1
        error /= len(x)
        grad = np.concatenate([error.sum(axis=0, keepdims=True), x.T @ error])
        return -float(logp[np.arange(len(x)), labels].mean()), {"theta": grad}
