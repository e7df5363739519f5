"""Compare a gradient with finite differences, in float64, and recognize kinks.

    found = measure(at_points(f, x), x, gradient, name="dx", scale=abs(f()), rng=rng)
    raise_if_wrong(found, location=location, samples=len(x), gradient=gradient)

Central differences with the realized step, h = 1e-5·max(1, |x|):

    n = (f(x + h) − f(x − h)) / ((x + h) − (x − h))
    err = |a − n| / max(|a|, |n|, 1e-3·max|n|, 1e-5·scale)

where a is the analytic slope. `scale` (Σ|dy·y| for a layer, |loss| for a loss) keeps roundoff from failing slopes that
are zero. err ≤ 1e-5 passes. Any other slope is measured again: with Richardson extrapolation (curvature), with smaller
steps (a kink nearby), and on each side (a kink at the point itself, where every value between the two slopes is
correct; the edge of the domain, beyond which f is not finite, counts as one). It fails if err > 1e-4 there, too. If f
is finite on neither side there is no slope, and f is wrong, not its gradient.

Code that computes in float32 even if its input is float64 is too coarse for such steps. It is checked at h = 5e-3 and
1e-2, and fails only if both steps differ by more than 2% and by more than roundoff.

Where values are much larger than slopes (`scale` is above 1000 times `unit`), such as an output with 1e7 added to it,
roundoff would hide a mistake. Their slopes are measured with steps up to 0.1, by Richardson extrapolation, with an
estimate of the error; a slope whose error stays too large is not compared, and the check is inconclusive.

Source: W. H. Press et al., Numerical Recipes, section 5.7; Stanford CS231n, "Gradient checks".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.gradcheck.explain import FIT, explain, explain_shape
from nnlaw.spec.gradcheck.in_step import Measuring, evaluated, in_step
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.subjects.subject import Point
from nnlaw.spec.violation import Inconclusive, Location, Violation, entry

TOLERANCE, FAIL_TOLERANCE = 1e-5, 1e-4
FLOAT32_TOLERANCE = 2e-2  # the FAIL_TOLERANCE of code that computes in float32
FLOAT32_STEPS = (5e-3, 1e-2)
MAX_FULL_CHECK = 400  # arrays up to this size are checked at every coordinate
SAMPLED_COORDINATES = 100  # of larger arrays
RANDOM_DIRECTIONS = 3  # for larger arrays; together they see every entry
MAX_KINKS = 0.1  # with a larger share of kinks the check is inconclusive
LARGE, FLOAT32_LARGE = 1e3, 1e2  # scale / unit, from which on roundoff would hide mistakes
LARGE_STEPS = (1.0, 10.0, 100.0, 1e3, 1e4)  # times the usual step
PRECISION = 1e-2  # of the largest slope; with a larger error a slope is not compared


class SlopeStatus(Enum):
    """What was found of one slope."""

    RIGHT = auto()
    WRONG = auto()
    KINK = auto()  # the slopes of the two sides differ, and any value between them is right
    UNDEFINED = auto()  # the function is finite on neither side
    LOST = auto()  # roundoff of large values leaves no precision to compare it


@dataclass
class MeasuredSlopes:
    """Analytic and numeric slopes of one array, at coordinates and along random directions."""

    name: str
    analytic: list[float] = field(default_factory=list)
    numeric: list[float] = field(default_factory=list)
    indices: list[tuple[int, ...] | None] = field(default_factory=list)  # None along a direction
    wrong: list[int] = field(default_factory=list)
    undefined: dict[int, float] = field(default_factory=dict)  # the value of f next to the point
    kinks: int = 0
    lost: int = 0
    float32: bool = False

    @property
    def worst(self) -> int:
        """The wrong slope with the largest error; a coordinate if there is one, else a direction."""
        coordinates = [i for i in self.wrong if self.indices[i] is not None] or self.wrong
        return max(coordinates, key=lambda i: abs(self.analytic[i] - self.numeric[i]))


Evaluate = Callable[[Sequence[Point]], list[float]]
"""The value of a scalar function at each point, which is one entry, or all, of the array that it depends on."""


def at_points(f: Callable[[], float], array: Array) -> Evaluate:
    """The values of f, which reads `array` at each call. Raises ValueError if the array is not contiguous."""
    flat = array.reshape(-1)
    if not np.shares_memory(flat, array):
        raise ValueError("the array to change must be contiguous")

    def evaluate(points: Sequence[Point]) -> list[float]:
        before, values = flat.copy(), []
        for index, value in points:
            if index is None:
                flat[:] = np.reshape(value, -1)
            else:
                flat[index] = value
            values.append(f())
            flat[:] = before
        return values

    return evaluate


def measure(
    evaluate: Evaluate,
    array: Array,
    analytic: Array,
    *,
    name: str,
    scale: float,
    rng: np.random.Generator,
    float32: bool = False,
    unit: float = 1.0,
    noise: float | None = None,
) -> MeasuredSlopes:
    """Measure the slopes of a function of `array`, and compare them with `analytic`, of the same shape.

    With `float32`, the function computes in float32. `unit` is the size of a usual slope, `noise` the roundoff of a
    value, if it is known.
    """
    measuring = measuring_slopes(
        array, analytic, name=name, scale=scale, rng=rng, float32=float32, unit=unit, noise=noise
    )
    return evaluated(measuring, evaluate)


def measuring_slopes(
    array: Array,
    analytic: Array,
    *,
    name: str,
    scale: float,
    rng: np.random.Generator,
    float32: bool = False,
    unit: float = 1.0,
    noise: float | None = None,
) -> Measuring[Point, MeasuredSlopes]:
    """What measure() does, as a measurement that can be evaluated in step with others."""
    found = MeasuredSlopes(name, float32=float32)
    flat, slopes = array.reshape(-1), np.asarray(analytic, np.float64).reshape(-1)
    everywhere = flat.size <= MAX_FULL_CHECK or array.ndim == 1
    coordinates = np.arange(flat.size) if everywhere else rng.choice(flat.size, SAMPLED_COORDINATES, replace=False)
    lines = [_Line(flat, int(i), None) for i in coordinates]
    if not everywhere:
        lines += [_Line(flat, -1, rng.standard_normal(flat.size)) for _ in range(RANDOM_DIRECTIONS)]
    large = scale > (FLOAT32_LARGE if float32 else LARGE) * unit
    if noise is None:
        noise = float(np.finfo(np.float32 if float32 else np.float64).eps) * scale
    float32 = float32 and not large
    places = list(np.ndindex(array.shape)) if everywhere else []
    steps = [FLOAT32_STEPS[1] / 1e-5 * line.step if float32 else line.step for line in lines]
    pairs = [(line.point(h), line.point(-h)) for line, h in zip(lines, steps, strict=True)]
    values = iter((yield [point for pair in pairs for _, point in pair]))
    for line, ((up, _), (down, _)) in zip(lines, pairs, strict=True):
        n = _central_difference((up, next(values), down, next(values)))
        along = slopes[line.at] if line.direction is None else float(slopes @ line.direction)
        found.analytic.append(float(along))
        found.numeric.append(n)
        if line.direction is not None:
            found.indices.append(None)
        else:
            found.indices.append(places[line.at] if places else tuple(map(int, np.unravel_index(line.at, array.shape))))
    measured = [abs(n) for n, index in zip(found.numeric, found.indices, strict=True) if index and isfinite(n)]
    largest = max(measured, default=0.0)
    checks: dict[int, Measuring[Point, tuple[SlopeStatus, float]]] = {}  # of the slopes that seem wrong
    for i, line in enumerate(lines):
        a, n = found.analytic[i], found.numeric[i]
        if large:
            size = max(abs(a), abs(n), 1e-3 * largest)
            if not (abs(a - n) <= TOLERANCE * size and noise / line.step <= PRECISION * size):
                checks[i] = line.check_large(a, max(map(abs, found.analytic)), noise, unit)
            continue
        floor = max(1e-3 * largest, 1e-5 * scale, np.finfo(float).tiny)
        if float32:
            checks[i] = line.check_in_float32(a, max(0.1 * largest, floor), scale)
        elif not abs(a - n) <= TOLERANCE * max(abs(a), abs(n), floor):
            checks[i] = line.check_closely(a, floor, scale)
    results = yield from in_step(list(checks.values()))
    for i, (slope, best) in zip(checks, results, strict=True):
        found.numeric[i] = best
        if slope is SlopeStatus.KINK:
            found.kinks += 1
        elif slope is SlopeStatus.LOST:
            found.lost += 1
        elif slope is SlopeStatus.WRONG:
            found.wrong.append(i)
        elif slope is SlopeStatus.UNDEFINED:
            _, point = lines[i].point(FLOAT32_STEPS[0] if float32 else lines[i].step / 300)
            (found.undefined[i],) = yield [point]
    return found


Sides: TypeAlias = tuple[float, float, float, float]
"""On either side of the point, the realized shift along a line and the value there."""


def _central_difference(sides: Sides) -> float:
    up, high, down, low = sides
    return (high - low) / (up - down)


@dataclass
class _Line:
    """A line through the point: a coordinate axis, or a direction over the whole array."""

    flat: Array
    at: int
    direction: Array | None

    @cached_property
    def step(self) -> float:
        if self.direction is not None:
            return 1e-5 * max(1.0, float(np.sqrt(np.mean(self.flat**2))))
        return 1e-5 * max(1.0, abs(float(self.flat[self.at])))

    def point(self, t: float) -> tuple[float, Point]:
        """The realized shift, and the point there."""
        if self.direction is not None:
            return t, (None, self.flat + t * self.direction)
        old = float(self.flat[self.at])
        return (old + t) - old, (self.at, old + t)

    def around(self, *steps: float) -> Measuring[Point, tuple[float, list[Sides]]]:
        """The value at the point itself, and what is on either side of it for each step."""
        pairs = [(self.point(h), self.point(-h)) for h in steps]
        here, *values = yield [(None, self.flat), *(point for pair in pairs for _, point in pair)]
        sides = zip(pairs, values[::2], values[1::2], strict=True)
        return here, [(up, high, down, low) for ((up, _), (down, _)), high, low in sides]

    def check_in_float32(
        self, a: float, floor: float, scale: float
    ) -> Measuring[Point, tuple[SlopeStatus, float]]:
        """Check a slope at the steps for float32: right if one of them agrees, a kink if the two sides differ."""
        steps = [relative / 1e-5 * self.step for relative in FLOAT32_STEPS]
        here, sides = yield from self.around(*steps)
        estimates = []
        for h, (up, high, down, low) in zip(steps, sides, strict=True):
            n, right, left = (high - low) / (up - down), (high - here) / up, (low - here) / down
            estimates.append(n)
            if not isfinite(right - left):
                return _at_edge(left, right)
            margin = FLOAT32_TOLERANCE * max(abs(a), abs(n), floor) + 4 * float(np.finfo(np.float32).eps) * scale / h
            if abs(a - n) <= margin:
                return SlopeStatus.RIGHT, n
            if abs(right - left) > 10 * margin:
                return SlopeStatus.KINK, n
        agree = abs(estimates[0] - n) <= 0.5 * abs(a - n)  # else the function bends too much for such steps
        return (SlopeStatus.WRONG if agree else SlopeStatus.LOST), n

    def check_large(
        self, a: float, largest: float, noise: float, unit: float
    ) -> Measuring[Point, tuple[SlopeStatus, float]]:
        """Check a slope of a function of large values, with errors of `noise`, at the step with the least error.

        `largest` is the largest slope of the array.
        """
        steps = [factor * self.step for factor in LARGE_STEPS]
        here, sides = yield from self.around(*(h / part for h in steps for part in (1, 2, 4)))
        rows = []
        for i, h in enumerate(steps):
            up, high, down, low = sides[3 * i]
            whole, half, quarter = map(_central_difference, sides[3 * i : 3 * i + 3])
            n, finer = (4 * half - whole) / 3, (4 * quarter - half) / 3
            bend = max(0.0, abs((high - here) / up - (low - here) / down) - 4 * noise / h)
            rows.append((abs(n - finer) + 8 * noise / h, n, bend))
        rows = sorted(row for row in rows if isfinite(row[0])) or [(np.inf, np.nan, 0.0)]
        error, best, bend = rows[0]
        size = max(abs(a), abs(best), 1e-3 * largest)
        if abs(a - best) <= FAIL_TOLERANCE * size + error:
            is_precise = error <= max(PRECISION * max(size, largest), 1e-6 * unit)
            return (SlopeStatus.RIGHT if is_precise else SlopeStatus.LOST), best
        is_clear = abs(a - best) > max(3 * error, bend)  # the two sides differ at a kink
        is_confirmed = len(rows) > 1 and abs(rows[1][1] - best) < 0.5 * abs(a - best)  # by another step
        return (SlopeStatus.WRONG if is_clear and is_confirmed else SlopeStatus.LOST), best

    def check_closely(
        self, a: float, floor: float, scale: float
    ) -> Measuring[Point, tuple[SlopeStatus, float]]:
        """Check a slope that seems wrong: what it is, and the best estimate of it."""
        h = self.step
        tiny = h / 300
        here, sides = yield from self.around(h / 2, h, h / 30, tiny)
        half, whole, small, smallest = map(_central_difference, sides)
        estimates = [(4 * half - whole) / 3, small, smallest]
        for n, step in zip(estimates, (h / 2, h / 30, tiny), strict=True):
            roundoff = 8 * np.finfo(float).eps * scale / step
            if abs(a - n) <= TOLERANCE * max(abs(a), abs(n), floor) + roundoff:
                return SlopeStatus.RIGHT, n
        up, high, down, low = sides[-1]
        right, left = (high - here) / up, (low - here) / down
        if not isfinite(right - left):
            return _at_edge(left, right)
        margin = FAIL_TOLERANCE * max(abs(left), abs(right), floor) + 8 * np.finfo(float).eps * scale / tiny
        if abs(right - left) > 10 * margin:
            between = min(left, right) - margin <= a <= max(left, right) + margin
            several = self.direction is not None  # a direction may meet several kinks; the coordinates show more
            return (SlopeStatus.KINK if between or several else SlopeStatus.WRONG), (left + right) / 2
        best = estimates[0] if abs(estimates[0] - estimates[1]) <= 10 * margin else estimates[1]
        passes = abs(a - best) <= FAIL_TOLERANCE * max(abs(a), abs(best), floor)
        return (SlopeStatus.RIGHT if passes else SlopeStatus.WRONG), best


def _at_edge(left: float, right: float) -> tuple[SlopeStatus, float]:
    """What a slope is if f is not finite on at least one side, and the slope on the other side."""
    finite_sides = [slope for slope in (left, right) if isfinite(slope)]
    return (SlopeStatus.KINK, finite_sides[0]) if finite_sides else (SlopeStatus.UNDEFINED, np.nan)


def raise_if_wrong(
    found: MeasuredSlopes,
    *,
    location: Location,
    samples: int,
    gradient: Array,
    clues: Clues | None = None,
    forward: Location | None = None,
    parameter: str = "",
) -> None:
    """Raise a Violation of law `gradient` if a slope is wrong, Inconclusive if too many were not compared.

    `location` is that of the code that returns the gradient, `forward` that of the function, if it is another.
    """
    if found.undefined:
        i, value = next(iter(found.undefined.items()))
        name, index = found.name, found.indices[i]
        raise Violation(
            "gradient",
            location=forward or location,
            array=f"the value whose slope is {name if index is None else entry(name, index)}",
            actual=f"{value} next to the point",
            expected="a finite number on at least one side",
            cause="the function has no slope at this point; its gradient was not checked",
            cause_code="undefined-slope",
        )
    if found.wrong:
        i = found.worst
        cause = explain(
            np.array(found.analytic),
            np.array(found.numeric),
            samples=samples,
            shape=gradient.shape,
            indices=found.indices,
            clues=clues,
            tolerance=FLOAT32_TOLERANCE if found.float32 else FIT,
        )
        raise Violation(
            "gradient",
            location=location,
            array=found.name if found.indices[i] is not None else f"{found.name} along a random direction",
            parameter=parameter,
            index=found.indices[i],
            actual=f"{found.analytic[i]:.6g}",
            expected=f"{found.numeric[i]:.6g}",
            reference="finite differences",
            cause=cause.text,
            cause_code=cause.code,
        )
    if found.lost > MAX_KINKS * max(1, len(found.indices)):
        raise Inconclusive(
            f"{found.lost} of {len(found.indices)} slopes of {found.name} could not be compared: roundoff is too "
            "large for finite differences"
        )
    if found.kinks > MAX_KINKS * max(1, len(found.indices)):
        raise Inconclusive(f"{found.kinks} of {len(found.indices)} slopes of {found.name} are at kinks or edges")


def check_shape(name: str, gradient: Any, array: Array, location: Location, samples: int = 0) -> None:
    """Raise a Violation if a gradient does not have the shape of its array, or is not finite."""
    if np.shape(gradient) != array.shape:
        cause = explain_shape(np.shape(gradient), array.shape, samples)
        raise Violation(
            "gradient",
            location=location,
            array=name,
            actual=f"of shape {np.shape(gradient)}",
            expected=f"{array.shape}, the shape of the array that it is the gradient of",
            cause=cause.text,
            cause_code=cause.code,
        )
    check_finite(name, np.asarray(gradient, np.float64), location)


def check_finite(name: str, array: Array, location: Location) -> None:
    """Raise a Violation if an array is not finite."""
    if not is_finite(array):
        index = first_index(~np.isfinite(array))
        rows = np.isnan(array).reshape(-1, array.shape[-1]) if array.ndim > 1 else np.zeros((1, 1), bool)
        whole = bool(rows.all(axis=1).any()) and not rows.all() and bool((rows.all(axis=1) == rows.any(axis=1)).all())
        raise Violation(
            "gradient",
            location=location,
            array=name,
            index=index,
            actual=str(array[index]),
            expected="a finite number",
            cause="often 0/0, such as a softmax of a row that is masked as a whole (−inf alone)" if whole else "",
            cause_code="masked-row" if whole else "",
        )
