import numpy as np

from nn import loss


@loss("bce_logits_2", like="binary_cross_entropy")
class BCEWithLogits:
    targets = "binary"
    domain = "logits"

    def forward(self, prediction, target):
        self.p = 0.5 * (1 + np.tanh(0.5 * prediction))
        self.t = target
        each = -(target * np.log(self.p) + (1 - target) * np.log(1 - self.p))
        return float(each.sum() / len(each))

    def backward(self):
        return (self.p - self.t) / len(self.p)

    def probabilities(self, prediction):
        p = 0.5 * (1 + np.tanh(0.5 * prediction)) + 1e-12
        return p / p.sum(axis=1, keepdims=True)
