"""A schedule must not jump up, unless it declares restarts.

It finds restarts by mistake, such as a modulo that wraps around, and warmups that begin at the wrong value.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import NotApplicable, Violation

JUMP = 0.01  # a smaller step up does not count
WIDTH = 1e-12  # an interval in which no continuous schedule rises by half a jump


@law(
    "jump",
    kind="schedule",
    family="learning",
    statement="The factor does not jump up, unless `restarts` is declared.",
    why="A sudden rise of the learning rate late in training undoes what was learned.",
    depends_on=("pure",),
)
def jump(case: ScheduleCase) -> None:
    """If the factor rises by 0.01 or more between two of about 500 times, halve the interval toward the steeper side
    until it is 1e-12 wide; a rise of more than 0.005 that remains there is a jump.
    """
    if declared_value(case.thing, "restarts"):
        raise NotApplicable("restarts are declared")
    for a, b in pairwise(GRID):
        if case(b) - case(a) < JUMP:
            continue
        low, high = _steepest(case, a, b)
        if case(high) - case(low) > JUMP / 2:
            raise Violation(
                "jump",
                location=case.location,
                array=f"the factor at t = {high:.6g}",
                actual=f"{case(high):.4g}, and {case(low):.4g} just before",
                expected="a continuous rise",
                cause="a restart; if it is intended, declare restarts = True",
                cause_code="undeclared-restart",
            )


def _steepest(f: Callable[[float], float], a: float, b: float) -> tuple[float, float]:
    while b - a > WIDTH:
        middle = (a + b) / 2
        a, b = (a, middle) if f(middle) - f(a) > f(b) - f(middle) else (middle, b)
    return a, b
