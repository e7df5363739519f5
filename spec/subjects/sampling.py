"""Random arrays within a claimed domain."""

from __future__ import annotations

from math import isinf

import numpy as np

from nnlaw.spec.arrays import Array

FAR = 1e4  # nothing is drawn farther out, unless all of the claimed domain lies there


def draw(rng: np.random.Generator, shape: tuple[int, ...], bounds: tuple[float, float] | None) -> Array:
    """Float32 of `shape`: Gaussian where nothing is claimed, else within `bounds` and not at their very edge."""
    if bounds is None:
        return rng.standard_normal(shape, dtype=np.float32)
    low, high = bounds
    if isinf(low) and isinf(high):
        return rng.standard_normal(shape, dtype=np.float32)
    away = 0.05 + np.abs(rng.standard_normal(shape))
    if isinf(high) and low < FAR:
        found = low + away
    elif isinf(low) and high > -FAR:
        found = high - away
    else:
        bottom, top = capped(low, high)
        found = bottom + (top - bottom) * rng.uniform(0.05, 0.95, shape)
        if low < -10 < 10 < high:  # a wide domain around zero: as for none
            found = rng.standard_normal(shape)
    return found.astype(np.float32)


def capped(low: float, high: float) -> tuple[float, float]:
    """The part of an interval within ±1e4; where all of it lies farther out, as much of it as ends at tenfold."""
    bottom = -FAR if low < -FAR < high else low
    top = FAR if low < FAR < high else high
    return (10 * high if isinf(bottom) else bottom), (10 * low if isinf(top) else top)
