import numpy as np

from nn import loss


@loss("my_cross_entropy_3", like="softmax_cross_entropy")
class MyCrossEntropy:
    targets = "labels"
    domain = "logits"

    def forward(self, prediction, target):
        z = prediction - prediction.max(axis=1, keepdims=True)
        self.logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.y = target
        return -float(self.logp[np.arange(len(target)), target].mean())

    def backward(self):
        d = np.exp(self.logp)
        d[np.arange(len(d)), self.y] -= 1
        return d / len(d)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
