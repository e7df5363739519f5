"""The laws of a schedule: a factor in [0, 1] for every t in [0, 1], a function of t alone, without unclaimed jumps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from numbers import Real

import numpy as np

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import DoesNotApply, Violation

GRID = sorted({float(t) for n in (7, 10, 500) for t in np.linspace(0, 1, n + 1)})
ROUNDOFF = 1e-9
LEAP = 0.01  # a smaller step up is called no jump
WIDTH = 1e-12  # in which no continuous schedule climbs half a leap


@law(
    "bounds",
    kind="schedule",
    family="output range",
    statement="The factor is a number in [0, 1] at every t from 0 to 1, both included.",
)
def bounds(case: ScheduleCase) -> None:
    """Some five hundred values of t."""
    for t in GRID:
        found = _factor(case, t)
        if not (isinstance(found, float) and -ROUNDOFF <= found <= 1 + ROUNDOFF):
            raise Violation(
                "bounds",
                where=case.where,
                array=f"the factor at t = {t:.4g}",
                actual=f"{found:.6g}" if isinstance(found, float) else found,
                expected="a number in [0, 1]",
            )


def _factor(case: ScheduleCase, t: float) -> float | str:
    """The factor, or in words what there is in its place."""
    try:
        factor = case(t)
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if isinstance(factor, np.ndarray) and factor.ndim == 0:
        factor = factor[()]
    return float(factor) if isinstance(factor, Real) else repr(factor)


@law(
    "pure",
    kind="schedule",
    family="reproducibility",
    statement="The same t has the same factor, whenever and in whatever order it is asked for.",
    rests_on=("bounds",),
)
def pure(case: ScheduleCase) -> None:
    """Upwards, then downwards."""
    up = {t: float(case(t)) for t in GRID}
    for t in reversed(GRID):
        if (again := float(case(t))) != up[t]:
            raise Violation(
                "pure",
                where=case.where,
                array=f"the factor at t = {t:.4g}",
                actual=f"{again:.6g} when asked again",
                expected=f"{up[t]:.6g}, as the first time",
                cause="a counter of calls, or a factor kept from the call before: a resumed run would differ",
            )


@law(
    "jump",
    kind="schedule",
    family="convergence",
    statement="The factor jumps up only where `restarts` is claimed.",
    rests_on=("pure",),
)
def jump(case: ScheduleCase) -> None:
    """Wherever it climbs between two values of t, the steeper half is halved again until nothing continuous climbs."""
    if claim(case.thing, "restarts"):
        raise DoesNotApply("restarts are claimed")
    for a, b in pairwise(GRID):
        if case(b) - case(a) < LEAP:
            continue
        low, high = _steepest(case, a, b)
        if case(high) - case(low) > LEAP / 2:
            raise Violation(
                "jump",
                where=case.where,
                array=f"the factor at t = {high:.6g}",
                actual=f"{case(high):.4g}, up from {case(low):.4g} at once",
                expected="a continuous climb",
                cause="a restart; where it is meant, claim restarts=True",
            )


def _steepest(f: Callable[[float], float], a: float, b: float) -> tuple[float, float]:
    while b - a > WIDTH:
        middle = (a + b) / 2
        a, b = (a, middle) if f(middle) - f(a) > f(b) - f(middle) else (middle, b)
    return a, b
