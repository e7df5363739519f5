"""Explains a wrong gradient: which usual mistake accounts for the whole difference.

Each row of the tables below is a mistake and what it would have made of the right slopes. Only a mistake that accounts
for every slope that was measured is named; where two do, both are; where more do, none is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.mistakes import Clues, rows
from nnlaw.spec.gradcheck.scale_factors import own, rarer, unnamed, usual

Place = tuple[int, ...] | None

FIT = 1e-4  # how closely a mistake must account for every slope
FEW = 3  # slopes that differ from zero: fewer fit too much by chance

UNREAD = "a parameter that moves nothing: forward does not read it, or stops whatever it does"


def explain(
    analytic: Array,
    numeric: Array,
    *,
    samples: int,
    shape: tuple[int, ...],
    places: Sequence[Place] | None = None,
    clues: Clues | None = None,
    fit: float = FIT,
) -> str:
    """Name the mistake behind slopes `analytic` where `numeric` is right, or "" where none fits the whole.

    `samples` is the size of the batch, `shape` that of the gradient; `places` says which entry each slope is, in C
    order unless given. A factor equal to 1 is no mistake.
    """
    clues = clues or Clues()
    if not np.isfinite(analytic).all():
        return ""
    if clues.draws:
        return "backward draws random numbers of its own, where those that forward drew are due"
    if not numeric.any():
        return UNREAD if clues.x is None and clues.itself is not None else ""
    if not analytic.any():
        return "a gradient that is never computed: it is zero everywhere"
    seen = _Seen(np.asarray(analytic, float), np.asarray(numeric, float), fit)
    k = seen.factor()
    again = clues.again() if k is not None and clues.again is not None else None
    if k is not None and (factors := usual(k, samples, shape, fit, again)):
        return _either(factors + own(k, clues.constants, fit, again)[:1])
    whole = _Whole(seen, shape, places)
    found = [words for words, made in rows(whole.numeric(), clues, samples) if whole.fits(made)]
    if told := _either(found) or _masks(seen):
        return told
    if k is not None and seen.tells:
        fitting = own(k, clues.constants, fit, again) or rarer(k, samples, shape, fit, again)
        return _either(fitting) or f"{unnamed(k, fit, again)} (ratio {k:.4g})"
    return _added(seen, whole, clues) or _elsewhere(seen, whole, clues.others)


def _either(found: list[str]) -> str:
    found = list(dict.fromkeys(found))
    return found[0] if len(found) == 1 else f"either {found[0]}, or {found[1]}" if len(found) == 2 else ""


@dataclass
class _Seen:
    analytic: Array
    numeric: Array
    fit: float

    def fits(self, made: Array) -> bool:
        """Whether `made`, which is not the right answer, is what was found at every slope."""
        if not np.isfinite(made).all() or not made.any():
            return False
        near = float(np.abs(self.analytic - made).max()) <= self.fit * float(np.abs(made).max())
        return near and not np.allclose(made, self.numeric, rtol=10 * self.fit, atol=0)

    def factor(self) -> float | None:
        """The one factor on every slope, if one is."""
        k = float(self.analytic @ self.numeric / (self.numeric @ self.numeric))
        return k if self.fits(k * self.numeric) else None

    @property
    def tells(self) -> bool:
        """Whether enough slopes differ from zero, so that a fit is no chance."""
        return int(np.count_nonzero(np.abs(self.numeric) > self.fit * np.abs(self.numeric).max())) >= FEW


@dataclass
class _Whole:
    """The slopes at coordinates, and where in the gradient they stand."""

    seen: _Seen
    shape: tuple[int, ...]
    places: Sequence[Place] | None

    def picked(self, made: Array) -> tuple[Array, Array]:
        """`made`, of the gradient's shape, at the coordinates, and what was found there."""
        places = list(np.ndindex(self.shape)) if self.places is None else self.places
        kept = [i for i, place in enumerate(places) if place is not None and i < self.seen.analytic.size]
        at = [places[i] for i in kept]
        return np.array([made[place] for place in at], float), self.seen.analytic[kept]

    def fits(self, made: Any) -> bool:
        """Whether an array of the gradient's shape accounts for every coordinate; enough of them, and not by chance."""
        if callable(made):
            made = made()
        if made is None or np.shape(made) != self.shape or not self.shape:
            return False
        wanted, found = self.picked(np.asarray(made, float))
        if np.count_nonzero(found) < FEW or not np.isfinite(wanted).all():
            return False
        return bool(np.abs(found - wanted).max() <= self.seen.fit * np.abs(found).max())

    def numeric(self) -> Array | None:
        """The right gradient in its own shape, where every entry was measured."""
        size = int(np.prod(self.shape))
        if self.seen.numeric.size != size or (self.places is not None and None in self.places):
            return None
        return self.seen.numeric.reshape(self.shape)


def _masks(seen: _Seen) -> str:
    half_right = np.isclose(seen.analytic, seen.numeric, rtol=10 * seen.fit, atol=0)
    if np.count_nonzero(seen.analytic[half_right]) < FEW:
        return ""
    if not seen.analytic[~half_right].any():
        return "a mask that stops too much: where it lets anything through, the slopes are right"
    if not seen.numeric[~half_right].any():
        return "a mask that is missing: slopes that should be zero are not"
    return ""


def _added(seen: _Seen, whole: _Whole, clues: Clues) -> str:
    """A cut at ±c, or a multiple of the parameter added."""
    if not seen.tells:
        return ""
    top = float(np.abs(seen.analytic).max())
    if seen.fits(np.clip(seen.numeric, -top, top)):
        return f"a gradient that is cut off at ±{top:.4g}, as by a clip, or a maximum where a sum is due"
    return _decay(seen, whole, clues.itself) if clues.x is None and clues.itself is not None else ""


def _decay(seen: _Seen, whole: _Whole, itself: Array) -> str:
    """A multiple of the parameter that is added, or that is missing."""
    own, found = whole.picked(itself) if itself.shape == whole.shape else (np.zeros(0), seen.analytic)
    if len(own) != seen.numeric.size or np.count_nonzero(own) < FEW:
        return ""
    k = float((found - seen.numeric) @ own / (own @ own))
    if not k or not seen.fits(seen.numeric + k * own):
        return ""
    if k < 0:
        return f"the gradient of a penalty that is missing: a multiple of the parameter itself ({-k:.4g})"
    return f"a multiple of the parameter itself added, as by weight decay (multiple {k:.4g})"


def _elsewhere(seen: _Seen, whole: _Whole, others: Mapping[str, Array]) -> str:
    """The right slopes, under another name or at other places."""
    right = whole.numeric()
    if right is None or np.count_nonzero(right) < FEW:
        return ""
    for name, other in others.items():
        if other.shape == right.shape and np.allclose(other, right, rtol=10 * seen.fit, atol=0):
            return f"gradients that changed places: this one was answered as {name}"
    if np.allclose(np.sort(seen.analytic), np.sort(right, axis=None), rtol=10 * seen.fit, atol=0):
        return "the right slopes at the wrong places, as of a wrong order, index or reshape"
    return _shifted(seen.analytic.reshape(right.shape), right, 10 * seen.fit)


def _shifted(found: Array, right: Array, near: float) -> str:
    """The right slopes one place off along some axes; what left the edge is lost."""
    axes = range(1, right.ndim)
    for steps in product((0, 1, -1), repeat=len(axes)):
        here, there = (_window(right.shape[1:], steps, sign) for sign in (1, -1))
        if any(steps) and np.count_nonzero(right[there]) >= FEW and np.allclose(found[here], right[there], near, 0):
            by = " and ".join(f"{s:+d} along axis {axis}" for axis, s in zip(axes, steps, strict=True) if s)
            return f"the right slopes shifted by {by}, as of a slice, or a margin cut off on one side alone"
    return ""


def _window(shape: tuple[int, ...], steps: tuple[int, ...], sign: int) -> tuple[slice, ...]:
    moves = [(sign * step, size) for step, size in zip(steps, shape, strict=True)]
    return (slice(None), *(slice(max(step, 0), size + min(step, 0)) for step, size in moves))


def explain_shape(found: tuple[int, ...], wanted: tuple[int, ...], samples: int) -> str:
    """Name the mistake behind a gradient of another shape, or "" where several could be."""
    if found == wanted[::-1] and found != wanted:
        return "a transposed product"
    if found == (samples, *wanted):
        return "a sum over the batch that is missing"
    if len(found) == len(wanted) + 1 and 1 in found and tuple(n for n in found if n != 1) == wanted:
        return "an axis of size 1 that is kept, as by keepdims"
    if found == (samples,) and len(wanted) == 1:
        return "a sum over the wrong axis"
    return "a sum over everything, not over the batch alone" if found == () else ""
