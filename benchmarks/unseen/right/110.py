import numpy as np

from nn import batches


@batches("get_batches_4")
def get_batches(x, y, batch_size, rng):
    m = len(x)
    permutation = rng.permutation(m)
    for begin in range(0, m, batch_size):
        chosen = permutation[begin : begin + batch_size]
        yield x[chosen], y[chosen]
