import numpy as np

from nn import loss


@loss("my_mse_5", like="mse")
class MeanSquaredError:
    targets = "real"

    def forward(self, y_pred, y_true):
        self.y_pred = y_pred
        self.y_true = y_true
        return float(((y_true - y_pred) ** 2).mean())

    def backward(self):
        return 2 * (self.y_pred - self.y_true) / self.y_pred.size

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
