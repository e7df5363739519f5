import numpy as np

from nn import loss


@loss("softmax_ce_1")
class SoftmaxCE:
    """Mean of -log softmax(z)[y]"""

    targets = "labels"
    domain = "logits"

    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)
        logsum = np.log(np.exp(shifted).sum(axis=1))
        self.probs = np.exp(shifted - logsum[:, None])
        self.labels = labels
        return float(np.mean(logsum - shifted[range(len(labels)), labels]))

    def backward(self):
        onehot = np.eye(self.probs.shape[1], dtype=self.probs.dtype)[self.labels]
        return (self.probs - onehot) / len(self.probs)

    def probabilities(self, prediction):
        e = np.exp(prediction - prediction.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
