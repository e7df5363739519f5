"""Reference pooling: the largest number of each window, or its mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference.definition import Arrays, Definition, Given, Variant
from nnlaw.spec.violation import Cause


def pooled(
    x: Array, reduce: Callable[..., Array], window: tuple[int, ...], stride: tuple[int, ...], pad: float
) -> Array:
    """The reduction of each window of the last axes of x; a last window that is cut off is filled up with `pad`."""
    sizes = [max(-(-(n - k) // s), 0) + 1 for n, k, s in zip(x.shape[-len(window) :], window, stride, strict=True)]
    ends = [(m - 1) * s + k for m, k, s in zip(sizes, window, stride, strict=True)]
    added = [max(end - n, 0) for end, n in zip(ends, x.shape[-len(window) :], strict=True)]
    x = np.pad(x, [(0, 0)] * (x.ndim - len(window)) + [(0, n) for n in added], constant_values=pad)
    y: Array = np.empty((*x.shape[: -len(window)], *sizes))
    for at in np.ndindex(*sizes):
        part = tuple(slice(i * s, i * s + k) for i, s, k in zip(at, stride, window, strict=True))
        y[(..., *at)] = reduce(_along_last(x, part), axis=tuple(range(-len(window), 0)))
    return y


def _along_last(x: Array, parts: tuple[slice, ...]) -> Array:
    """x[..., *parts]."""
    found: Array = x[(slice(None),) * (x.ndim - len(parts)) + parts]
    return found


def _windows(sizes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Windows, their strides, and how much of each axis is used: what is left of it may be left out."""
    for window in product(*(range(1, n + 1) for n in sizes)):
        for stride in {window, *((s,) * len(sizes) for s in (1, 2, 3))} if max(window) > 1 else ():
            yield window, stride, sizes
            yield window, stride, tuple((n - k) // s * s + k for n, k, s in zip(sizes, window, stride, strict=True))


def _size(shape: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...]) -> int:
    """The number of outputs for an input of this shape."""
    axes = len(window)
    counts = [max(-(-(n - k) // s), 0) + 1 for n, k, s in zip(shape[-axes:], window, stride, strict=True)]
    return int(np.prod([*shape[:-axes], *counts]))


def _pool(reduce: Callable[..., Array], pad: float) -> Variant:
    """Any window and stride that give the size of the output, with channels first or last, with padding or without."""

    def variant(given: Given) -> Iterator[Arrays]:
        ndim = given.points[0].ndim
        if given.params or ndim not in (3, 4) or not given.output:
            return
        places: list[tuple[int, ...]] = [(1,), (2,), (1, 2)] if ndim == 3 else [(2, 3), (1, 2)]
        for axes, margin in product(places, (0, 1)):
            last = tuple(range(ndim - len(axes), ndim))
            added = [(0, 0)] * (ndim - len(axes)) + [(margin, margin)] * len(axes)
            points = [np.pad(np.moveaxis(x, axes, last), added, constant_values=pad) for x in given.points]
            for window, stride, kept in _windows(points[0].shape[-len(axes) :]):
                cut = tuple(slice(n) for n in kept)
                fits = _size(_along_last(points[0], cut).shape, window, stride) == np.prod(given.output)
                if not fits or (margin and min(window) == 1):
                    continue
                outputs = [pooled(_along_last(x, cut), reduce, window, stride, pad) for x in points]
                yield [np.moveaxis(y, last, axes) for y in outputs]
                if all(y.shape[i] == 1 for y in outputs for i in last):  # global pooling, whose axes may be left out
                    yield [y.reshape(given.output) for y in outputs]

    return variant


def _mean_of_numbers(x: Array, axis: tuple[int, ...]) -> Array:
    """The mean of the entries that are not nan, the padding."""
    return np.asarray(np.nansum(x, axis=axis) / np.maximum((~np.isnan(x)).sum(axis=axis), 1))


POOLINGS = {
    "max_pool": Definition(
        "I. Goodfellow et al., Deep Learning, section 9.3: any window and stride, padded with −∞",
        (_pool(np.max, -np.inf),),
        {Cause("zero-padding", "the border is padded with zeros, which exceed negative inputs; pad with -np.inf"): (
            _pool(np.max, 0.0))},
    ),
    "average_pool": Definition(
        "Y. LeCun et al., Proceedings of the IEEE 86 (1998), section II.A: any window and stride",
        (_pool(np.mean, 0.0), _pool(_mean_of_numbers, np.nan)),
    ),
}
"""By standard name."""
