"""Is this gradient the slope of this function? Finite differences decide, in float64.

Central differences with the realized step, h = 1e-5·max(1, |x|):

    n = (f(x + h) − f(x − h)) / ((x + h) − (x − h))
    err = |a − n| / max(|a|, |n|, 1e-3·max|n|, 1e-5·scale)

where a is the analytic slope and `scale` (Σ|dy·y| for a layer, |loss| for a loss) keeps roundoff from condemning
slopes that are truly zero. err ≤ 1e-5 holds, up to 1e-4 is tolerated, beyond is suspect. Only a suspect is looked at
more closely: with Richardson's extrapolation (curvature), with smaller steps (a kink nearby), and with one-sided
slopes (a kink right here, where every value between the two is right; an edge, beyond which f is not finite, is one).
Where f is finite on neither side there is no slope, and f is at fault, not its gradient.

What computes in float32 whatever it is handed is too coarse for such steps. It is judged at h = 5e-3 and 1e-2, and is
wrong only where both steps say so by more than 2% and more than its roundoff.

Source: W. H. Press et al., Numerical Recipes, section 5.7; Stanford CS231n, "Gradient checks".
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.gradcheck.explain import FIT, explain, explain_shape
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.violation import Inconclusive, Location, Violation, entry

HOLDS, BROKEN = 1e-5, 1e-4
COARSE = 2e-2  # what BROKEN is to float32
COARSE_STEPS = (5e-3, 1e-2)
EVERY = 400  # arrays up to this size are checked at every coordinate
SAMPLE = 100  # of larger ones, so many coordinates, and
DIRECTIONS = 3  # so many random directions, which together see every entry
KINKS = 0.1  # more than this share of kinks, and nothing was concluded


@dataclass
class Slopes:
    """Analytic and numeric slopes of one array, at the coordinates and along the directions that were tried."""

    name: str
    analytic: list[float] = field(default_factory=list)
    numeric: list[float] = field(default_factory=list)
    places: list[tuple[int, ...] | None] = field(default_factory=list)  # None along a direction
    suspects: list[int] = field(default_factory=list)
    absent: dict[int, float] = field(default_factory=dict)  # what f is on both sides, where that is no finite number
    kinks: int = 0
    coarse: bool = False

    @property
    def worst(self) -> int:
        """The suspect that is furthest off, a coordinate before a direction."""
        coordinates = [i for i in self.suspects if self.places[i] is not None] or self.suspects
        return max(coordinates, key=lambda i: abs(self.analytic[i] - self.numeric[i]))


def measure(
    f: Callable[[], float],
    array: Array,
    analytic: Array,
    *,
    name: str,
    scale: float,
    rng: np.random.Generator,
    coarse: bool = False,
) -> Slopes:
    """Measure the slopes of f, which reads `array` afresh at each call, against `analytic`, of the same shape.

    `coarse` says that f computes in float32.
    """
    found = Slopes(name, coarse=coarse)
    flat, slopes = array.reshape(-1), np.asarray(analytic, np.float64).reshape(-1)
    if not np.shares_memory(flat, array):
        raise ValueError("the array to perturb must be contiguous")
    everywhere = flat.size <= EVERY or array.ndim == 1
    coordinates = np.arange(flat.size) if everywhere else rng.choice(flat.size, SAMPLE, replace=False)
    lines = [_Line(f, flat, int(i), None) for i in coordinates]
    lines += [_Line(f, flat, -1, rng.standard_normal(flat.size)) for _ in range(0 if everywhere else DIRECTIONS)]
    for line in lines:
        along = slopes[line.at] if line.direction is None else float(slopes @ line.direction)
        place = np.unravel_index(line.at, array.shape) if line.direction is None else None
        found.analytic.append(float(along))
        found.numeric.append(line.central(COARSE_STEPS[1] / 1e-5 * line.step if coarse else line.step))
        found.places.append(None if place is None else tuple(int(i) for i in place))
    measured = [abs(n) for n, place in zip(found.numeric, found.places, strict=True) if place and isfinite(n)]
    largest = max(measured, default=0.0)
    for i, line in enumerate(lines):
        a, n = found.analytic[i], found.numeric[i]
        floor = max(1e-3 * largest, 1e-5 * scale, np.finfo(float).tiny)
        if not coarse and abs(a - n) <= HOLDS * max(abs(a), abs(n), floor):
            continue
        look = line.coarsely(a, max(0.1 * largest, floor), scale) if coarse else line.closer(a, floor, scale)
        verdict, found.numeric[i] = look
        found.kinks += verdict == "kink"
        if verdict == "wrong":
            found.suspects.append(i)
        if verdict == "absent":
            found.absent[i] = line.shifted(COARSE_STEPS[0] if coarse else line.step / 300)[1]
    return found


@dataclass
class _Line:
    """f along one line through the present point: a coordinate axis, or a direction over the whole array."""

    f: Callable[[], float]
    flat: Array
    at: int
    direction: Array | None

    @property
    def step(self) -> float:
        if self.direction is not None:
            return 1e-5 * max(1.0, float(np.sqrt(np.mean(self.flat**2))))
        return 1e-5 * max(1.0, abs(float(self.flat[self.at])))

    def shifted(self, t: float) -> tuple[float, float]:
        """The realized shift, and f there; the array is put back as it was."""
        if self.direction is not None:
            before = self.flat.copy()
            self.flat += t * self.direction
            value = self.f()
            self.flat[:] = before
            return t, value
        old = float(self.flat[self.at])
        self.flat[self.at] = old + t
        realized = float(self.flat[self.at]) - old
        value = self.f()
        self.flat[self.at] = old
        return realized, value

    def central(self, h: float) -> float:
        up, high = self.shifted(h)
        down, low = self.shifted(-h)
        return (high - low) / (up - down)

    def coarsely(self, a: float, floor: float, scale: float) -> tuple[str, float]:
        """The verdict in float32: right if either step says so, a kink where the slopes of the two sides disagree."""
        n, here = 0.0, self.f()
        for relative in COARSE_STEPS:
            h = relative / 1e-5 * self.step
            (up, high), (down, low) = self.shifted(h), self.shifted(-h)
            n, right, left = (high - low) / (up - down), (high - here) / up, (low - here) / down
            if not isfinite(right - left):
                return _at_edge(left, right)
            margin = COARSE * max(abs(a), abs(n), floor) + 4 * float(np.finfo(np.float32).eps) * scale / h
            if abs(a - n) <= margin:
                return "right", n
            if abs(right - left) > 10 * margin:
                return "kink", n
        return "wrong", n

    def closer(self, a: float, floor: float, scale: float) -> tuple[str, float]:
        """A second look at a suspect: "right", "kink" or "wrong", with the best estimate of the slope."""
        h = self.step
        estimates = [(4 * self.central(h / 2) - self.central(h)) / 3, self.central(h / 30), self.central(h / 300)]
        for n, step in zip(estimates, (h / 2, h / 30, h / 300), strict=True):
            roundoff = 8 * np.finfo(float).eps * scale / step
            if abs(a - n) <= HOLDS * max(abs(a), abs(n), floor) + roundoff:
                return "right", n
        here, tiny = self.f(), h / 300
        (up, high), (down, low) = self.shifted(tiny), self.shifted(-tiny)
        right, left = (high - here) / up, (low - here) / down
        if not isfinite(right - left):
            return _at_edge(left, right)
        margin = BROKEN * max(abs(left), abs(right), floor) + 8 * np.finfo(float).eps * scale / tiny
        if abs(right - left) > 10 * margin:
            between = min(left, right) - margin <= a <= max(left, right) + margin
            several = self.direction is not None  # of several kinks met at once the coordinates tell more
            return ("kink" if between or several else "wrong"), (left + right) / 2
        best = estimates[0] if abs(estimates[0] - estimates[1]) <= 10 * margin else estimates[1]
        tolerated = abs(a - best) <= BROKEN * max(abs(a), abs(best), floor)
        return ("right" if tolerated else "wrong"), best


def _at_edge(left: float, right: float) -> tuple[str, float]:
    """The verdict where f is not finite on one side at least, with the slope of the other."""
    known = [slope for slope in (left, right) if isfinite(slope)]
    return ("kink", known[0]) if known else ("absent", np.nan)


def accuse(
    found: Slopes, *, location: Location, samples: int, gradient: Array,
    clues: Clues | None = None, source: Location | None = None, parameter: str = "",
) -> None:
    """Raise what the measured slopes amount to: nothing, Inconclusive, or the Violation of law `gradient`.

    `source` is the place of the function whose gradient stands at `where`, unless it is the same.
    """
    if found.absent:
        i, value = next(iter(found.absent.items()))
        name, place = found.name, found.places[i]
        raise Violation(
            "gradient",
            location=source or location,
            array=f"the number whose slope is {name if place is None else entry(name, place)}",
            actual=f"{value} right beside the point",
            expected="a finite number on one side at least",
            cause="the function itself, which has no slope there; its gradient was not judged",
        )
    if found.suspects:
        i = found.worst
        raise Violation(
            "gradient",
            location=location,
            array=found.name if found.places[i] is not None else f"{found.name} along a random direction",
            parameter=parameter,
            index=found.places[i],
            actual=f"{found.analytic[i]:.6g}",
            expected=f"{found.numeric[i]:.6g}",
            reference="finite differences",
            cause=explain(
                np.array(found.analytic),
                np.array(found.numeric),
                samples=samples,
                shape=gradient.shape,
                places=found.places,
                clues=clues,
                fit=COARSE if found.coarse else FIT,
            ),
        )
    if found.kinks > KINKS * max(1, len(found.places)):
        raise Inconclusive(f"{found.kinks} of {len(found.places)} slopes of {found.name} lie on kinks or edges")


def same_shape(name: str, gradient: Any, array: Array, location: Location, samples: int = 0) -> None:
    """Raise a Violation where a gradient has not the shape of its array, or is not finite."""
    if np.shape(gradient) != array.shape:
        raise Violation(
            "gradient",
            location=location,
            array=name,
            actual=f"of shape {np.shape(gradient)}",
            expected=f"{array.shape}, the shape of what it is the gradient of",
            cause=explain_shape(np.shape(gradient), array.shape, samples),
        )
    finite(name, np.asarray(gradient, np.float64), location)


def finite(name: str, array: Array, location: Location) -> None:
    """Raise a Violation where an array is not finite."""
    if not is_finite(array):
        at = first_index(~np.isfinite(array))
        actual = str(array[at])
        raise Violation("gradient", location=location, array=name, index=at, actual=actual, expected="a finite number")
