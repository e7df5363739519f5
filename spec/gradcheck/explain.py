"""Explain a wrong gradient: find the common mistake that accounts for the whole difference.

    explain(analytic, numeric, samples=5, shape=(3, 4))        Cause("wrong-sign", "the sign is wrong (ratio -1)")

A cause is returned only if it accounts for every slope that was measured. If two causes do, both are returned; if more
do, NO_CAUSE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.mistakes import TRANSPOSED, WRONG_AXIS, Clues, rows
from nnlaw.spec.gradcheck.scale_factors import common_factors, rare_factors, stored_factors, unnamed_factor
from nnlaw.spec.violation import NO_CAUSE, Cause

Index = tuple[int, ...] | None

FIT = 1e-4  # relative error up to which a mistake accounts for a slope
MAX_SHIFT = 3  # entries
MIN_SLOPES = 3  # nonzero slopes; fewer fit too often by chance

NOT_USED = Cause(
    "parameter-not-used", "the parameter does not change the output; forward does not use it or cancels its effect"
)
NOT_COMPUTED = Cause("gradient-not-computed", "the gradient is zero everywhere: it is never computed, or overwritten")


def explain(
    analytic: Array,
    numeric: Array,
    *,
    samples: int,
    shape: tuple[int, ...],
    indices: Sequence[Index] | None = None,
    clues: Clues | None = None,
    tolerance: float = FIT,
) -> Cause:
    """Return the mistake behind the slopes `analytic` if `numeric` is correct; NO_CAUSE if nothing fits.

    `samples` is the batch size, `shape` that of the gradient. `indices` has the entry of each slope, or None for a
    slope along a direction; by default, every entry in C order. A factor of 1 is not a mistake.
    """
    clues = clues or Clues()
    if not np.isfinite(analytic).all():
        return NO_CAUSE
    if clues.random_backward:
        text = "backward draws new random numbers; it should reuse those of forward"
        return Cause("random-numbers-in-backward", text)
    if not numeric.any():
        return NOT_USED if clues.x is None and clues.array is not None else NO_CAUSE
    if not analytic.any():
        return NOT_COMPUTED
    slopes = _Slopes(np.asarray(analytic, float), np.asarray(numeric, float), tolerance)
    k = slopes.factor()
    other = clues.other_factor() if k is not None and clues.other_factor is not None else None
    if k is not None and (factors := common_factors(k, samples, shape, tolerance, other)):
        return _either(factors + stored_factors(k, clues.constants(), tolerance, other)[:1])
    gradient = _Gradient(slopes, shape, indices)
    found = [cause for cause, made in rows(gradient.numeric(), clues, samples) if gradient.fits(made)]
    if cause := _either(found) or _wrong_mask(slopes):
        return cause
    if k is not None and slopes.are_enough:
        fitting = stored_factors(k, clues.constants(), tolerance, other) or rare_factors(
            k, samples, shape, tolerance, other
        )
        return _either(fitting) or unnamed_factor(k, tolerance, other)
    return _clipped_or_decayed(slopes, gradient, clues) or _misplaced(slopes, gradient, clues.others)


def _either(found: list[Cause]) -> Cause:
    """The cause if there is one, both if there are two, else NO_CAUSE."""
    found = list(dict.fromkeys(found))
    return Cause.either(*found) if len(found) == 2 else found[0] if len(found) == 1 else NO_CAUSE


@dataclass
class _Slopes:
    """The slopes as backward returns them, and as measured."""

    analytic: Array
    numeric: Array
    tolerance: float

    def fit(self, made: Array) -> bool:
        """Whether `made`, which differs from the correct gradient, equals the analytic slopes."""
        if not np.isfinite(made).all() or not made.any():
            return False
        near = float(np.abs(self.analytic - made).max()) <= self.tolerance * float(np.abs(made).max())
        return near and not np.allclose(made, self.numeric, rtol=10 * self.tolerance, atol=0)

    def factor(self) -> float | None:
        """The factor on the slopes, if it is the same for all."""
        k = float(self.analytic @ self.numeric / (self.numeric @ self.numeric))
        return k if self.fit(k * self.numeric) else None

    @property
    def are_enough(self) -> bool:
        """Whether so many slopes differ from zero that a mistake does not fit by chance."""
        nonzero = np.abs(self.numeric) > self.tolerance * np.abs(self.numeric).max()
        return int(np.count_nonzero(nonzero)) >= MIN_SLOPES


@dataclass
class _Gradient:
    """The slopes along coordinates, as entries of the gradient."""

    slopes: _Slopes
    shape: tuple[int, ...]
    indices: Sequence[Index] | None

    def picked(self, made: Array) -> tuple[Array, Array]:
        """The entries of `made`, an array of the gradient's shape, that were measured, and their analytic slopes."""
        indices = list(np.ndindex(self.shape)) if self.indices is None else self.indices
        kept = [i for i, index in enumerate(indices) if index is not None and i < self.slopes.analytic.size]
        at = [indices[i] for i in kept]
        return np.array([made[index] for index in at], float), self.slopes.analytic[kept]

    def fits(self, made: Any) -> bool:
        """Whether an array of the gradient's shape, or a function returning one, equals the analytic slopes."""
        if callable(made):
            made = made()
        if made is None or np.shape(made) != self.shape or not self.shape:
            return False
        expected, found = self.picked(np.asarray(made, float))
        if np.count_nonzero(found) < MIN_SLOPES or not np.isfinite(expected).all():
            return False
        return bool(np.abs(found - expected).max() <= self.slopes.tolerance * np.abs(found).max())

    def numeric(self) -> Array | None:
        """The correct gradient, if every entry was measured."""
        size = int(np.prod(self.shape))
        if self.slopes.numeric.size != size or (self.indices is not None and None in self.indices):
            return None
        return self.slopes.numeric.reshape(self.shape)


def _wrong_mask(slopes: _Slopes) -> Cause:
    equal = np.isclose(slopes.analytic, slopes.numeric, rtol=10 * slopes.tolerance, atol=0)
    if np.count_nonzero(slopes.analytic[equal]) < MIN_SLOPES:
        return NO_CAUSE
    if not slopes.analytic[~equal].any():
        return Cause("mask-too-strict", "a mask sets too many entries to zero; the others are correct")
    if not slopes.numeric[~equal].any():
        return Cause("missing-mask", "a mask is missing: entries that should be zero are not")
    return NO_CAUSE


def _clipped_or_decayed(slopes: _Slopes, gradient: _Gradient, clues: Clues) -> Cause:
    """A cut at ±c, or a multiple of the parameter added."""
    if not slopes.are_enough:
        return NO_CAUSE
    top = float(np.abs(slopes.analytic).max())
    size = np.abs(slopes.numeric)
    if ((size > 0) & (size <= top * (1 + slopes.tolerance))).any() and slopes.fit(np.clip(slopes.numeric, -top, top)):
        text = f"the gradient is cut off at ±{top:.4g}, as by a clip, or by a maximum instead of a sum"
        return Cause("clipped-gradient", text)
    return _decayed(slopes, gradient, clues.array) if clues.x is None and clues.array is not None else NO_CAUSE


def _decayed(slopes: _Slopes, gradient: _Gradient, parameter: Array) -> Cause:
    """A multiple of the parameter that is added, or that is missing."""
    if parameter.shape != gradient.shape:
        return NO_CAUSE
    own, found = gradient.picked(parameter)
    if len(own) != slopes.numeric.size or np.count_nonzero(own) < MIN_SLOPES:
        return NO_CAUSE
    k = float((found - slopes.numeric) @ own / (own @ own))
    if not k or not slopes.fit(slopes.numeric + k * own):
        return NO_CAUSE
    if k < 0:
        text = f"{-k:.4g} times the parameter is missing, as the gradient of a penalty that the value has"
        return Cause("missing-penalty-gradient", text)
    text = f"{k:.4g} times the parameter is added, as by weight decay that the value lacks or counts differently"
    return Cause("added-weight-decay", text)


def _misplaced(slopes: _Slopes, gradient: _Gradient, others: Mapping[str, Array]) -> Cause:
    """The correct slopes, under another name or at other indices."""
    right = gradient.numeric()
    if right is None or np.count_nonzero(right) < MIN_SLOPES:
        return NO_CAUSE
    for name, other in others.items():
        if other.shape == right.shape and np.allclose(other, right, rtol=10 * slopes.tolerance, atol=0):
            return Cause("swapped-gradients", f"gradients are swapped: this gradient is returned as {name}")
    if np.allclose(np.sort(slopes.analytic), np.sort(right, axis=None), rtol=10 * slopes.tolerance, atol=0):
        text = "the values are correct but in the wrong order, as by a wrong index or reshape"
        return Cause("wrong-order", text)
    return _shifted(slopes.analytic.reshape(right.shape), right, 10 * slopes.tolerance)


def _shifted(found: Array, right: Array, tolerance: float) -> Cause:
    """The correct slopes, a few entries off along some axes; what left the edge is lost."""
    axes = range(1, right.ndim)
    for steps in sorted(product(range(-MAX_SHIFT, MAX_SHIFT + 1), repeat=len(axes)), key=lambda s: sum(map(abs, s))):
        here, there = (_window(right.shape[1:], steps, sign) for sign in (1, -1))
        inside = all(2 * abs(step) < size for step, size in zip(steps, right.shape[1:], strict=True) if step)
        enough = inside and any(steps) and np.count_nonzero(right[there]) >= MIN_SLOPES
        if enough and np.allclose(found[here], right[there], tolerance, 0):
            by = " and ".join(f"{s:+d} along axis {axis}" for axis, s in zip(axes, steps, strict=True) if s)
            text = f"the values are correct but shifted by {by}, as by a wrong slice or one-sided padding"
            return Cause("shifted-values", text)
    return NO_CAUSE


def _window(shape: tuple[int, ...], steps: tuple[int, ...], sign: int) -> tuple[slice, ...]:
    moves = [(sign * step, size) for step, size in zip(steps, shape, strict=True)]
    return (slice(None), *(slice(max(step, 0), size + min(step, 0)) for step, size in moves))


def explain_shape(found: tuple[int, ...], expected: tuple[int, ...], samples: int) -> Cause:
    """Return the mistake behind a gradient of the wrong shape; NO_CAUSE if several are possible."""
    if found == expected[::-1] and found != expected:
        return TRANSPOSED
    if found == (samples, *expected):
        return Cause("missing-batch-sum", "the sum over the batch is missing")
    if len(found) == len(expected) == 2 and found == (samples * expected[0], samples * expected[1]):
        return Cause("outer-product-of-batch", "the outer product takes the batch as one vector; x.T @ dy sums over it")
    if len(found) == len(expected) + 1 and 1 in found and tuple(n for n in found if n != 1) == expected:
        return Cause("extra-keepdims", "an axis of size 1 is kept, as by keepdims=True")
    if found == (samples,) and len(expected) == 1:
        return WRONG_AXIS
    return Cause("missing-axis", "the sum runs over all axes, not over the batch alone") if found == () else NO_CAUSE
