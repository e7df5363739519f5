"""A schedule must be a function of t alone.

It finds counters of calls, and factors that depend on the call before.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import Violation


@law(
    "pure",
    kind="schedule",
    family="state",
    statement="The same t gives the same factor, however often and in which order it is called.",
    why="A schedule that counts its calls continues at the wrong place when a run is resumed, and changes if anything "
    "else calls it, such as a plot.",
    depends_on=("bounds",),
)
def pure(case: ScheduleCase) -> None:
    """Call the schedule at about 500 times in rising, then in falling order; factors must be equal bit for bit."""
    up = {t: float(case(t)) for t in GRID}
    for t in reversed(GRID):
        if (second := float(case(t))) != up[t]:
            raise Violation(
                "pure",
                location=case.location,
                array=f"the factor at t = {t:.4g}",
                actual=f"{second:.6g} at the second call",
                expected=f"{up[t]:.6g}, as at the first",
                cause="often a counter of calls, or a factor kept from the call before",
                cause_code="depends-on-calls",
            )
