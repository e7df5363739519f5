"""Reference normalization: gain · (x − μ)/√(v + ε) + shift, over the batch or over parts of a sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.definition import Arrays, Definition, Given, Variant

EPSILONS = (1e-5, 1e-3, 1e-6, 1e-7, 1e-8, 1e-12, 0.0)


def normalized(x: Array, axes: tuple[int, ...], eps: float, *, centered: bool = True, ddof: int = 0) -> Array:
    """(x − μ)/√(v + ε), with mean and variance over these axes."""
    d = x - x.mean(axis=axes, keepdims=True) if centered else x
    count = np.prod([x.shape[i] for i in axes]) - ddof
    found: Array = d / np.sqrt((d * d).sum(axis=axes, keepdims=True) / count + eps)
    return found


def _outside(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """(x − μ)/(√v + ε)."""
    d = x - x.mean(axis=axes, keepdims=True)
    found: Array = d / (np.sqrt((d * d).mean(axis=axes, keepdims=True)) + eps)
    return found


def _scaled(given: Given, outputs: Arrays) -> Iterator[Arrays]:
    """gain · x + shift, with the parameters in either order and along any axis that they fit; x if there are none."""
    arrays = list(given.params.values())
    if not arrays:
        yield outputs
    if len(arrays) in (1, 2):
        for order in permutations(arrays):
            for fit in (_as_given, _along_channels, _along_features):
                gain, *shift = (fit(array, outputs[0]) for array in order)
                if all(_broadcasts(array, outputs[0]) for array in (gain, *shift)):
                    yield [gain * x + (shift[0] if shift else 0.0) for x in outputs]


def _as_given(array: Array, x: Array) -> Array:
    return array


def _along_channels(array: Array, x: Array) -> Array:
    """One number per entry of axis 1."""
    fits = array.size == x.shape[1]
    return array.reshape(1, -1, *[1] * (x.ndim - 2)) if fits else array


def _along_features(array: Array, x: Array) -> Array:
    """One number per entry of the last axis."""
    return array.reshape(-1) if array.size == x.shape[-1] else array


def _broadcasts(array: Array, x: Array) -> bool:
    try:
        return np.broadcast_shapes(array.shape, x.shape) == x.shape
    except ValueError:
        return False


def _over(
    axes: Callable[[int], list[tuple[int, ...]]], f: Callable[[Array, tuple[int, ...], float], Array]
) -> Variant:
    def variant(given: Given) -> Iterator[Arrays]:
        for over in axes(given.points[0].ndim):
            for eps in given.settings.choose("eps", *EPSILONS):
                with np.errstate(all="ignore"):
                    yield from _scaled(given, [f(x, over, eps) for x in given.points])

    return variant


def _in_groups(count: Callable[[Given, int], list[int]]) -> Variant:
    """Mean and variance over each group of channels of a sample, with the channels first or last."""

    def variant(given: Given) -> Iterator[Arrays]:
        if given.points[0].ndim < 3:
            return
        for channels_last in (False, True):
            points = [np.moveaxis(x, -1, 1) for x in given.points] if channels_last else given.points
            for groups in count(given, points[0].shape[1]):
                for eps in given.settings.choose("eps", *EPSILONS):
                    outputs = []
                    for x in points:
                        y = normalized(x.reshape(len(x), groups, -1), (2,), eps).reshape(x.shape)
                        outputs.append(np.moveaxis(y, 1, -1) if channels_last else y)
                    yield from _scaled(given, outputs)

    return variant


def _groups(given: Given, channels: int) -> list[int]:
    """The number of groups: that of the instance, or any that divides the number of channels."""
    chosen = [int(g) for g in given.settings.named("groups")] or list(range(1, channels + 1))
    return [g for g in chosen if g > 0 and channels % g == 0]


def batch_axes(ndim: int) -> list[tuple[int, ...]]:
    """Over the batch, or over all but the channels, which are last or second."""
    return list(dict.fromkeys([(0,), tuple(range(ndim - 1)), (0, *range(2, ndim))]))


def sample_axes(ndim: int) -> list[tuple[int, ...]]:
    """Over a whole sample, or over its last axis."""
    return list(dict.fromkeys([tuple(range(1, ndim)), (ndim - 1,)]))


NORMALIZATIONS: dict[str, Definition] = {
    "batchnorm": Definition(
        "S. Ioffe, C. Szegedy, ICML 2015, algorithm 1: √(v + ε) or √v + ε", (_over(batch_axes, normalized),
                                                                             _over(batch_axes, _outside)),
    ),
    "layernorm": Definition(
        "J. L. Ba et al., 2016, eq. 4: over the features of each sample; variance divided by n, or by n − 1",
        (
            _over(sample_axes, normalized),
            _over(sample_axes, lambda x, axes, eps: normalized(x, axes, eps, ddof=1)),
            _over(sample_axes, _outside),
        ),
    ),
    "rmsnorm": Definition(
        "B. Zhang, R. Sennrich, NeurIPS 2019, eq. 4",
        (_over(sample_axes, lambda x, axes, eps: normalized(x, axes, eps, centered=False)),),
    ),
    "groupnorm": Definition("Y. Wu, K. He, ECCV 2018, eq. 7: channels first or last", (_in_groups(_groups),)),
    "instancenorm": Definition(
        "D. Ulyanov et al., 2016, eq. 3: channels first or last", (_in_groups(lambda given, channels: [channels]),)
    ),
}  # fmt: skip
"""By standard name."""
