import numpy as np

from nn import metric


@metric("acc_score_3", like="accuracy")
def acc_score(probabilities, labels):
    predicted = np.argmax(probabilities, axis=1)
    return float(np.mean(predicted == labels))
