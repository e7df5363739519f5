import numpy as np

from nn import loss


@loss("svm_multiclass_2")
class MulticlassSVM:
    """Σ over wrong classes of max(0, s_j - s_y + 1), as in CS231n"""

    targets = "labels"
    minimum = 0.0

    def forward(self, scores, y):
        self.y = y
        self.idx = np.arange(scores.shape[0])
        margins = scores - scores[self.idx, y][:, None] + 1
        margins[self.idx, y] = 0
        self.margins = np.maximum(0, margins)
        return float(self.margins.sum() / len(y))

    def backward(self):
        d = (self.margins > 0).astype(self.margins.dtype)
        d[self.idx, self.y] = -d.sum(axis=1)
        return d / len(d)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
