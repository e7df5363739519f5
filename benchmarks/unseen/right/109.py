import numpy as np

from nn import batches


@batches("epoch_shuffle_3")
def epoch_shuffle(x, y, batch_size, rng):
    order = rng.permutation(len(x))
    x, y = x[order], y[order]
    for i in range(0, len(x), batch_size):
        yield x[i : i + batch_size], y[i : i + batch_size]
