"""The running mean and variance of batch normalization, found by how one call in training moves arrays of a layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import LayerCase

SHARE = 1e-3  # a smaller difference between shares does not count


def possible_axes(name: str, ndim: int) -> list[tuple[int, ...]]:
    """Axes to normalize over: per feature or channel for batchnorm, per sample or position for the others."""
    if name == "batchnorm":
        return list(dict.fromkeys([(0,), tuple(range(ndim - 1)), (0, *range(2, ndim))]))
    return list(dict.fromkeys([tuple(range(1, ndim)), (ndim - 1,)]))


def running_shares(case: LayerCase, x: Array) -> Iterator[tuple[float, float]]:
    """The shares of the batch in a running mean and a running variance, for each choice of axes that has one of both.
    """
    layer, pairs = case.fresh(True), []
    if case.registered:
        before = {name: np.array(array, np.float64) for name, array in layer.state.items()}
        layer.forward(x)
        after = {name: np.array(array, np.float64) for name, array in layer.state.items()}
        pairs = [(array, after[name]) for name, array in before.items() if name in after]
    elif layer.has("state_after"):
        pairs = [(row[0], row[1]) for row in layer.call("state_after", x)]
    pairs = [(a.reshape(-1), b.reshape(-1)) for a, b in pairs if a.shape == b.shape and a.size > 1]
    wide = x.astype(np.float64)
    for axes in possible_axes("batchnorm", x.ndim):
        mean, variance = wide.mean(axis=axes).reshape(-1), wide.var(axis=axes).reshape(-1)
        count = wide.size // mean.size
        means = _shares(pairs, [mean])
        variances = _shares(pairs, [variance, variance * count / (count - 1)])
        if len(means) == len(variances) == 1:
            yield means[0], variances[0]


def _shares(pairs: list[tuple[Array, Array]], targets: list[Array]) -> list[float]:
    """The share a of each array that moved from s to (1 − a)·s + a·target, for one of the targets.

    An array that becomes the target, with a share of 1, is a cache.
    """
    found = []
    for before, after in pairs:
        for target in targets:
            if target.shape == before.shape:
                way = target - before
                share = float(np.vdot(way, after - before) / np.vdot(way, way))
                if SHARE < share < 1 - SHARE and np.allclose(after, before + share * way, rtol=1e-5, atol=1e-6):
                    found.append(share)
                    break
    return found
