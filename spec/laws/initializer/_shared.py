"""Pieces that several laws of initializers use: shapes, weights, and the comparison of mean and variance."""

from __future__ import annotations

from math import sqrt

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference import Variance
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation

SHAPES = ((300, 40), (40, 300))  # wide and tall: swapped fans show
ERRORS = 5.0  # standard errors
NOT_CENTERED = Cause("not-centered", "often a distribution that is not centered, such as rng.random instead of "
                     "rng.uniform(-a, a)")  # fmt: skip


def weights_of(case: InitializerCase, shape: tuple[int, int], rng: np.random.Generator | None = None) -> Array:
    """The initial weights of this shape (fan_in, fan_out)."""
    return np.asarray(case(case.rng if rng is None else rng, shape, *shape))


def check_variance(code: str, case: InitializerCase, shape: tuple[int, int], expected: Variance) -> None:
    """Raise Violation of law `code` if mean or variance are wrong in both of two samples of this shape."""
    samples = [weights_of(case, shape, np.random.default_rng([case.seed, i])).astype(np.float64) for i in range(2)]
    v = expected(*shape)
    moments = [off(weights, v) for weights in samples]
    if v and all(off_center for off_center, _ in moments):
        raise Violation(
            code,
            location=case.location,
            array=f"the mean of {described(case, shape)}",
            actual=f"{samples[0].mean():.4g}",
            expected="0 within five standard errors",
            cause=NOT_CENTERED.text,
            cause_code=NOT_CENTERED.code,
        )
    if all(off_scale for _, off_scale in moments):
        found = float(np.mean([weights.var() for weights in samples]))
        cause = _without_kernel(case, found, shape, expected) or likely_cause(found, shape, expected)
        raise Violation(
            code,
            location=case.location,
            array=f"the variance of {described(case, shape)}",
            actual=f"{samples[0].var():.4g}",
            expected=f"{v:.4g} within five standard errors",
            cause=cause.text,
            cause_code=cause.code,
        )


def described(case: InitializerCase, shape: tuple[int, int]) -> str:
    """The weights, and the kernel of those of a convolution, of these fans."""
    kernel = case.thing.attribute("kernel")
    return f"kernels {kernel} with fan_in {shape[0]} and fan_out {shape[1]}" if kernel else f"weights {shape}"


def _without_kernel(case: InitializerCase, found: float, shape: tuple[int, int], expected: Variance) -> Cause:
    """The cause if the variance is that of fans without the size of the kernel, within 5%."""
    kernel = case.thing.attribute("kernel")
    if kernel:
        (i, o), size = shape, kernel[0] * kernel[1]
        for fans, where in (((i // size, o // size), "fan_in and fan_out"), ((i // size, o), "fan_in"),
                            ((i, o // size), "fan_out")):  # fmt: skip
            if abs(found - expected(*fans)) <= 0.05 * expected(*fans) and expected(*fans) != expected(*shape):
                where = "fan_in" if expected(*fans) == expected(fans[0], 1) else where
                return Cause("kernel-not-counted", f"{where}: the size of the kernel is missing, as a factor")
    return NO_CAUSE


def off(weights: Array, v: float) -> tuple[bool, bool]:
    """Whether mean and variance are more than five standard errors away from 0 and v."""
    n, found = weights.size, float(weights.var())
    kurtosis = float(((weights - weights.mean()) ** 4).mean())
    roundoff = 1e-6 * max(v, found)
    return (
        abs(float(weights.mean())) > ERRORS * sqrt(found / n) + roundoff,
        abs(found - v) > ERRORS * sqrt(max(kurtosis - found**2, 0.0) / n) + roundoff,
    )


def likely_cause(found: float, shape: tuple[int, int], expected: Variance) -> Cause:
    """The usual mistake that gives this variance, within 5%."""
    v = expected(*shape)
    mistakes = (
        (expected(*shape[::-1]), "swapped-fans", "fan_in and fan_out are swapped"),
        (v / 3, "uniform-limit", "a uniform distribution up to √v instead of √(3v)"),
        (v**2, "variance-as-deviation", "the variance is passed as the standard deviation: a square root is missing"),
        (v / 2, "half-variance", "the variance is half as large as it should be"),
        (2 * v, "double-variance", "the variance is twice as large as it should be"),
        (sqrt(v), "extra-square-root", "a square root is taken twice"),
        (1.0, "not-scaled", "the weights are not scaled by the fans"),
        (0.7737 * v, "truncated", "a normal distribution truncated at two standard deviations, not rescaled"),
    )
    near = (Cause(code, mistake) for value, code, mistake in mistakes if abs(found - value) <= 0.05 * value)
    return next(near, NO_CAUSE)
