"""How an epoch is divided into batches: (x, y, batch_size, rng) yields (x, y) pairs, each sample once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.nn.plugins.registry import batches
from nnlaw.spec.arrays import Array


@batches("shuffled")
def shuffled(x: Array, y: Array, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """A new random order each epoch; the last batch may be smaller."""
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x.take(rows, axis=0), y.take(rows, axis=0)


@batches("sequential")
def sequential(x: Array, y: Array, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """The order of the data, to show the effect of not shuffling."""
    for start in range(0, len(x), batch_size):
        yield x[start : start + batch_size], y[start : start + batch_size]
