import numpy as np

from nn import loss


@loss("cosine_distance_2")
class CosineDistance:
    """1 - cos(prediction, target)"""

    targets = "real"

    def forward(self, prediction, target):
        self.pn = np.sqrt((prediction**2).sum(axis=1, keepdims=True) + 1e-8)
        tn = np.sqrt((target**2).sum(axis=1, keepdims=True) + 1e-8)
        self.p, self.t = prediction / self.pn, target / tn
        self.cos = (self.p * self.t).sum(axis=1, keepdims=True)
        return float((1 - self.cos).mean())

    def backward(self):
        return -(self.t - self.cos * self.p) / self.pn / len(self.p)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
