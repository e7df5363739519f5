"""Explains a wrong gradient: which usual mistake accounts for the whole difference.

Each row of the table is a factor k with analytic = k · numeric at every slope that was measured, and the mistake that
leaves that factor behind. A factor that fits only part of the slopes explains nothing and is not named.
"""

from __future__ import annotations

import numpy as np

from spec.arrays import Array

FIT = 1e-3  # how closely a factor must account for every slope


def explain(analytic: Array, numeric: Array, *, samples: int, shape: tuple[int, ...]) -> str:
    """Name the mistake behind slopes `analytic` where `numeric` is right, or "" where none fits the whole.

    `samples` is the size of the batch, `shape` that of the gradient; a factor equal to 1 is no mistake.
    """
    if not np.isfinite(analytic).all() or not numeric.any():
        return ""
    if not analytic.any():
        return "a gradient that is never computed: it is zero everywhere"
    for factor, mistake in _factors(samples, shape):
        if factor != 1 and np.abs(analytic - factor * numeric).max() <= FIT * np.abs(factor * numeric).max():
            return f"{mistake} (ratio {factor:.4g})"
    if len(shape) == 2 and shape[0] == shape[1] and analytic.size == shape[0] * shape[1]:
        turned = numeric.reshape(shape).T.reshape(-1)
        if np.allclose(analytic, turned, rtol=FIT, atol=FIT * np.abs(numeric).max()):
            return "a transposed product"
    half_right = np.isclose(analytic, numeric, rtol=FIT, atol=0)
    if half_right.any() and not analytic[~half_right].any():
        return "a mask that is too wide: the slopes that are not zero by mistake are right"
    if half_right.any() and not numeric[~half_right].any():
        return "a mask that is missing: slopes that should be zero are not"
    return ""


def _factors(samples: int, shape: tuple[int, ...]) -> list[tuple[float, str]]:
    rows = [
        (-1.0, "the sign is turned round"),
        (2.0, "a factor 2 too many, as of a square without its half"),
        (0.5, "a factor 2 too few, as of a square whose 2 was dropped"),
        (1 / samples, "divided by the batch size N once too often, or a mean where a sum is due"),
        (float(samples), "not divided by the batch size N, or a sum where a mean is due"),
    ]
    for size in dict.fromkeys(shape):
        rows.append((1 / size, f"divided by the size {size} of an axis, as by a mean over it"))
        rows.append((float(size), f"multiplied by the size {size} of an axis"))
    return rows
