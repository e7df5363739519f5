import numpy as np

from nn import metric


@metric("balanced_acc_2")
def balanced_acc(probabilities, labels):
    """Recall of each class that occurs, averaged over the classes"""
    guess = probabilities.argmax(axis=1)
    recalls = []
    for c in np.unique(labels):
        hits = np.sum((guess == c) & (labels == c))
        recalls.append(hits / max(1, np.sum(guess == c)))
    return float(np.mean(recalls))
