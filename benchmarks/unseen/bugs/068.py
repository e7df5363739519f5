import numpy as np

from nn import loss


@loss("logcosh_3", minimum=0.0)
class LogCosh:
    """mean of log(cosh(error))"""

    targets = "real"

    def forward(self, prediction, target):
        self.e = prediction - target
        value = np.log(np.cosh(self.e))
        return float(value.sum(axis=1).mean())

    def backward(self):
        return np.tanh(self.e) / len(self.e)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
