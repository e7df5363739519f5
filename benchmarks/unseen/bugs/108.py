import numpy as np

from nn import batches


@batches("random_order_1")
def random_order(x, y, batch_size, rng):
    n = x.shape[0]
    idx = rng.choice(n, size=n)
    for start in range(0, n, batch_size):
        yield x[idx[start : start + batch_size]], y[idx[start : start + batch_size]]
