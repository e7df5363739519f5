"""Random arrays within a claimed domain."""

from __future__ import annotations

from math import isinf

import numpy as np

from spec.arrays import Array


def draw(rng: np.random.Generator, shape: tuple[int, ...], bounds: tuple[float, float] | None) -> Array:
    """Float32 of `shape`: Gaussian where nothing is claimed, else within `bounds` and not at their very edge."""
    if bounds is None:
        return rng.standard_normal(shape, dtype=np.float32)
    low, high = bounds
    if isinf(low) and isinf(high):
        return rng.standard_normal(shape, dtype=np.float32)
    away = 0.05 + np.abs(rng.standard_normal(shape))
    if isinf(high):
        found = low + away
    elif isinf(low):
        found = high - away
    else:
        span = min(high, 1e4) - max(low, -1e4)
        found = max(low, -1e4) + span * rng.uniform(0.05, 0.95, shape)
        if low < -10 < 10 < high:  # a wide domain around zero: as for none
            found = rng.standard_normal(shape)
    return found.astype(np.float32)
