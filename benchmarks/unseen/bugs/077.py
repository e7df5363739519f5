import numpy as np

from nn import loss


@loss("brier_softmax_1")
class BrierSoftmax:
    """Σ (softmax(z) - target)², mean over the batch"""

    targets = "real"
    domain = "logits"

    def forward(self, prediction, target):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        self.t = target
        return float(((self.p - target) ** 2).sum(axis=1).mean())

    def backward(self):
        dp = 2 * (self.p - self.t) / len(self.p)
        return self.p * (1 - self.p) * dp

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
