"""Which common factor is a gradient off by? A sign, a 2, the size of the batch or of an axis, a stored number.

    common_factors(k, samples, shape, tolerance)        the causes that give the factor k

A size is named only if the factor equals it at the measured sizes and, if a `FactorAtLargerBatch` is given, at those
sizes too. So a constant that happens to equal the batch size is not mistaken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod, sqrt

from nnlaw.spec.violation import Cause

Factors = dict[Cause, float]

MIN_ROOT = 5  # roots of smaller sizes, and whole roots, are common constants


@dataclass(frozen=True)
class FactorAtLargerBatch:
    """The factor on the same gradient, of this shape, for another batch size or another number of outputs."""

    factor: float
    samples: int
    shape: tuple[int, ...]


def common_factors(
    k: float, samples: int, shape: tuple[int, ...], tolerance: float, other: FactorAtLargerBatch | None = None
) -> list[Cause]:
    """The common mistakes that give the factor k."""
    axes = _distinct_axes(samples, shape, other)
    elsewhere = _common(other.samples, other.shape, axes) if other else {}
    return _matching(_common(samples, shape, axes), k, tolerance, elsewhere, other)


def rare_factors(
    k: float, samples: int, shape: tuple[int, ...], tolerance: float, other: FactorAtLargerBatch | None
) -> list[Cause]:
    """Less common mistakes: a root, N − 1, two mistakes at once. Empty without a second size."""
    if other is None or min(samples, other.samples) < 2:
        return []
    axes = _distinct_axes(samples, shape, other)
    roots = {i: name for i, name in axes.items() if shape[i] >= MIN_ROOT and isqrt(shape[i]) ** 2 != shape[i]}
    return _matching(_rare(samples, shape, roots), k, tolerance, _rare(other.samples, other.shape, roots), other)


def stored_factors(
    k: float, constants: Sequence[float], tolerance: float, other: FactorAtLargerBatch | None = None
) -> list[Cause]:
    """Mistakes with a number that the object stores: a rate, a slope, a scale."""
    rows: Factors = {}
    for v in constants:
        product = "multiplied by {} once more than needed, or not divided by it"
        quotient = "divided by {} once more than needed, or not multiplied by it"
        rows[Cause("times-stored-number", product.format(f"the stored {v:g}"))] = v
        rows[Cause("times-one-minus-stored-number", product.format(f"1 − the stored {v:g}"))] = 1 - v
        if v:
            rows[Cause("divided-by-stored-number", quotient.format(f"the stored {v:g}"))] = 1 / v
        if v != 1:
            rows[Cause("divided-by-one-minus-stored-number", quotient.format(f"1 − the stored {v:g}"))] = 1 / (1 - v)
    return _matching(rows, k, tolerance, rows, other)


def unnamed_factor(k: float, tolerance: float, other: FactorAtLargerBatch | None = None) -> Cause:
    """The cause if no named factor fits."""
    if other is None or abs(other.factor - k) <= tolerance * abs(k):
        return Cause("constant-factor", f"a constant factor (ratio {k:.4g})")
    text = f"a factor that depends on the sizes: {k:.4g}, but {other.factor:.4g} for a gradient of shape {other.shape}"
    return Cause("size-dependent-factor", text)


def _matching(
    rows: Factors, k: float, tolerance: float, elsewhere: Factors, other: FactorAtLargerBatch | None
) -> list[Cause]:
    """The rows that give the factor k and, with their values at the other size, the factor there."""
    found = [cause for cause, value in rows.items() if value != 1 and abs(k - value) <= tolerance * abs(value)]
    if other is not None:
        found = [row for row in found if abs(other.factor - elsewhere[row]) <= tolerance * abs(elsewhere[row])]
    return [Cause(cause.code, f"{cause.text} (ratio {k:.4g})") for cause in found]


def _distinct_axes(
    samples: int, shape: tuple[int, ...], other: FactorAtLargerBatch | None
) -> dict[int, str]:
    """The axes whose size can't be mistaken for the batch size, the first of each size, with their names."""
    apart = {i for i, size in enumerate(shape) if size != samples or (other and other.shape[i] != other.samples)}
    sizes = {shape[i]: i for i in sorted(apart, reverse=True)}
    return {i: f"{size}, the size of an axis" for size, i in sizes.items()}


def _common(samples: int, shape: tuple[int, ...], axes: dict[int, str]) -> Factors:
    rows = {
        Cause("wrong-sign", "the sign is wrong"): -1.0,
        Cause("factor-2-too-large", "2 times too large; a factor 1/2 may be missing"): 2.0,
        Cause("factor-2-too-small", "a factor 2 is missing, as from the derivative of a square"): 0.5,
        Cause("wrong-sign-and-factor-2", "the sign is wrong, and it is 2 times too large"): -2.0,
    }
    if samples > 1:  # for one sample these equal 1 or the wrong sign
        rows |= {
            Cause(
                "batch-mean-instead-of-sum",
                "divided by the batch size N one time too many, as by a mean instead of a sum",
            ): 1 / samples,
            Cause(
                "batch-sum-instead-of-mean",
                "not divided by the batch size N, as by a sum instead of a mean",
            ): float(samples),
            Cause(
                "wrong-sign-and-batch-mean",
                "the sign is wrong, and it is divided by the batch size N one time too many",
            ): -1 / samples,
        }
    for i, size in axes.items():
        rows[Cause("divided-by-axis-size", f"divided by {size}, as by a mean instead of a sum")] = (
            1 / shape[i]
        )
        rows[Cause("multiplied-by-axis-size", f"multiplied by {size}, as by a sum instead of a mean")] = (
            float(shape[i])
        )
    if len(shape) > 1:
        rows[Cause("mean-over-all-entries", "a mean over all entries is used instead of a sum")] = 1 / prod(shape)
    return rows


def _rare(samples: int, shape: tuple[int, ...], roots: dict[int, str]) -> Factors:
    rows = {
        Cause("wrong-sign-and-batch-sum", "the sign is wrong, and it is not divided by the batch size N"): (
            -float(samples)
        ),
        Cause("n-instead-of-n-minus-1", "divided by N instead of N − 1, as in a variance"): 1 - 1 / samples,
        Cause("n-minus-1-instead-of-n", "divided by N − 1 instead of N, as in a variance"): samples / (samples - 1),
    }
    if len(shape) > 1 and shape[0] == samples:
        rows[Cause("sum-over-all-entries", "a sum over all entries is used instead of a mean")] = float(prod(shape))
    sizes = [("batch-size", "the batch size N", samples)]
    sizes += [("axis-size", name, shape[i]) for i, name in roots.items()]
    for code, name, n in sizes:
        rows[Cause(f"missing-root-of-{code}", f"not divided by the square root of {name}")] = sqrt(n)
        rows[Cause(f"extra-root-of-{code}", f"divided by the square root of {name} one time too many")] = 1 / sqrt(n)
    return rows
