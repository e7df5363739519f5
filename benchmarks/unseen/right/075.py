import numpy as np

from nn import loss


@loss("nll_from_log_1")
class NLL:
    """Minus the log-probability (the prediction is already a log_softmax) of the right class."""

    targets = "labels"

    def forward(self, prediction, target):
        self.shape, self.dtype = prediction.shape, prediction.dtype
        self.y = target
        return -float(prediction[np.arange(len(target)), target].mean())

    def backward(self):
        d = np.zeros(self.shape, dtype=self.dtype)
        d[np.arange(len(d)), self.y] = -1 / len(d)
        return d

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
