import numpy as np

from nn import batches


@batches("half_sorted_1")
def half_sorted(x, y, batch_size, rng):
    """Whole batches in random order, the samples of each next to each other"""
    starts = np.arange(0, len(x), batch_size)
    for s in rng.permutation(starts):
        stop = min(s + batch_size, len(x))
        yield x[s:stop - 1], y[s:stop - 1]
