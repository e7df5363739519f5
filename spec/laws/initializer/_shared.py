"""What the laws of this kind share."""

from __future__ import annotations

from math import sqrt

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference import Variance
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import Violation

SHAPES = ((300, 40), (40, 300))  # wide and tall, so that swapped fans show
ERRORS = 5.0  # standard errors


def drawn(case: InitializerCase, shape: tuple[int, int], rng: np.random.Generator | None = None) -> Array:
    """The initial weights of this shape (fan_in, fan_out)."""
    return np.asarray(case(case.rng if rng is None else rng, shape, *shape))


def judge_variance(code: str, case: InitializerCase, wanted: tuple[int, int], expected: Variance) -> None:
    """Raise Violation of law `code` where mean or variance are off in each of two draws of this shape."""
    draws = [drawn(case, wanted, np.random.default_rng([case.seed, i])).astype(np.float64) for i in range(2)]
    v = expected(*wanted)
    moments = [off(weights, v) for weights in draws]
    if v and all(off_center for off_center, _ in moments):
        raise Violation(
            code,
            location=case.location,
            array=f"the mean of weights {wanted}",
            actual=f"{draws[0].mean():.4g}",
            expected="0 within five standard errors",
            cause="a draw that is not centered, such as rng.random for rng.uniform(-a, a)",
        )
    if all(off_scale for _, off_scale in moments):
        raise Violation(
            code,
            location=case.location,
            array=f"the variance of weights {wanted}",
            actual=f"{draws[0].var():.4g}",
            expected=f"{v:.4g} within five standard errors",
            cause=cause(float(np.mean([weights.var() for weights in draws])), wanted, expected),
        )


def off(weights: Array, v: float) -> tuple[bool, bool]:
    """Whether mean and variance lie more than five standard errors from 0 and v."""
    n, found = weights.size, float(weights.var())
    kurtosis = float(((weights - weights.mean()) ** 4).mean())
    roundoff = 1e-6 * max(v, found)
    return (
        abs(float(weights.mean())) > ERRORS * sqrt(found / n) + roundoff,
        abs(found - v) > ERRORS * sqrt(max(kurtosis - found**2, 0.0) / n) + roundoff,
    )


def cause(found: float, wanted: tuple[int, int], expected: Variance) -> str:
    """Which usual mistake has this variance, within a twentieth."""
    v = expected(*wanted)
    for value, mistake in (
        (expected(*wanted[::-1]), "fan_in and fan_out are swapped"),
        (v / 3, "a uniform draw up to √v, where √(3v) is due"),
        (v**2, "the variance handed in as the deviation: its square root is missing"),
        (v / 2, "a factor 2 too few"),
        (2 * v, "a factor 2 too many"),
        (sqrt(v), "a square root too many"),
        (1.0, "a draw that is not scaled by the fans"),
        (0.7737 * v, "a normal truncated at two deviations, which is narrower than it was"),
    ):
        if abs(found - value) <= 0.05 * value:
            return mistake
    return ""
