import numpy as np

from nn import loss


@loss("cs_softmax_loss_2")
class SoftmaxLoss:
    targets = "labels"

    def forward(self, x, y):
        shifted = x - np.max(x, axis=1, keepdims=True)
        Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
        log_probs = shifted - np.log(Z)
        self.probs = np.exp(log_probs)
        self.y = y
        N = x.shape[0]
        return float(-np.sum(log_probs[np.arange(N), y]) / N)

    def backward(self):
        N = self.probs.shape[0]
        dx = self.probs
        dx[np.arange(N), self.y] -= 1
        return dx / N

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
