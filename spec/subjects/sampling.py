"""Random arrays inside a declared domain."""

from __future__ import annotations

from math import isinf

import numpy as np

from nnlaw.spec.arrays import Array

FAR = 1e4  # the largest absolute value, unless the whole domain lies beyond it


def sample(rng: np.random.Generator, shape: tuple[int, ...], bounds: tuple[float, float] | None) -> Array:
    """A float32 array: Gaussian without bounds, else inside `bounds` and not close to either end."""
    if bounds is None:
        return rng.standard_normal(shape, dtype=np.float32)
    low, high = bounds
    if isinf(low) and isinf(high):
        return rng.standard_normal(shape, dtype=np.float32)
    distance = 0.05 + np.abs(rng.standard_normal(shape))
    if isinf(high) and low < FAR:
        found = low + distance
    elif isinf(low) and high > -FAR:
        found = high - distance
    else:
        bottom, top = clipped_bounds(low, high)
        found = bottom + (top - bottom) * rng.uniform(0.05, 0.95, shape)
        if low < -10 < 10 < high:  # a wide domain around zero: as without bounds
            found = rng.standard_normal(shape)
    with np.errstate(over="ignore"):
        return found.astype(np.float32)


def clipped_bounds(low: float, high: float) -> tuple[float, float]:
    """The part of an interval within ±1e4; if all of it lies beyond, the part up to ten times its nearer end."""
    bottom = -FAR if low < -FAR < high else low
    top = FAR if low < FAR < high else high
    return (10 * high if isinf(bottom) else bottom), (10 * low if isinf(top) else top)
