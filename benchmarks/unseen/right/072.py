import numpy as np

from nn import loss


@loss("binary_hinge_3")
class BinaryHinge:
    """Σ max(0, 1 - s z), with s = ±1 for the target 1 or 0"""

    targets = "binary"

    def forward(self, prediction, target):
        self.s = 2 * target - 1
        self.active = self.s * prediction < 1
        loss = np.maximum(0, 1 - self.s * prediction)
        return float(loss.sum(axis=1).mean())

    def backward(self):
        return np.where(self.active, -self.s, 0) / len(self.s)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
