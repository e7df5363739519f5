import numpy as np

from nn import loss


@loss("focal_loss_4")
class FocalLoss:
    """-(1 - p_y)^gamma log p_y (Lin et al. 2017)"""

    targets = "labels"
    domain = "logits"

    def __init__(self, gamma: float = 2.0):
        self.gamma = gamma

    def forward(self, prediction, target):
        self.rows, self.y = np.arange(len(target)), target
        z = prediction - prediction.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p = np.exp(logp)
        self.logpt = logp[self.rows, target]
        self.pt = np.exp(self.logpt)
        return float((-((1 - self.pt) ** self.gamma) * self.logpt).mean())

    def backward(self):
        g = self.gamma
        dlogpt = -((1 - self.pt) ** g) + g * self.pt * (1 - self.pt) ** (g - 1) * self.logpt
        d = -self.p * dlogpt[:, None]
        d[self.rows, self.y] += dlogpt
        return d / len(d)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
