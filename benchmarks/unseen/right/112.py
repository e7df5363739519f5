import numpy as np

from nn import metric


@metric("top3_hits_1")
def top3_hits(probabilities, labels, *, k: int = 3):
    """Share of samples whose label is among the k most probable classes"""
    best = np.argsort(-probabilities, axis=1)[:, :k]
    return float((best == labels[:, None]).any(axis=1).mean())
