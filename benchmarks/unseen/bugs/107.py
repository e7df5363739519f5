import numpy as np

from nn import batches


@batches("minibatches_2")
def minibatches(x, y, batch_size, rng):
    """Shuffled mini-batches"""
    order = rng.permutation(len(x))
    for k in range(len(x) // batch_size):
        picked = order[k * batch_size : (k + 1) * batch_size]
        yield x[picked], y[picked]
