"""The factor jumps up only where `restarts` is claimed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import NotApplicable, Violation

LEAP = 0.01  # a smaller step up is called no jump
WIDTH = 1e-12  # in which no continuous schedule climbs half a leap


@law(
    "jump",
    kind="schedule",
    family="gradient",
    statement="The factor jumps up only where `restarts` is claimed.",
    depends_on=("pure",),
)
def jump(case: ScheduleCase) -> None:
    """Wherever it climbs between two values of t, the steeper half is halved again until nothing continuous climbs."""
    if claim(case.thing, "restarts"):
        raise NotApplicable("restarts are claimed")
    for a, b in pairwise(GRID):
        if case(b) - case(a) < LEAP:
            continue
        low, high = _steepest(case, a, b)
        if case(high) - case(low) > LEAP / 2:
            raise Violation(
                "jump",
                location=case.location,
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
