"""The same t has the same factor, whenever and in whatever order it is asked for."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import Violation


@law(
    "pure",
    kind="schedule",
    family="state",
    statement="The same t has the same factor, whenever and in whatever order it is asked for.",
    depends_on=("bounds",),
)
def pure(case: ScheduleCase) -> None:
    """Upwards, then downwards."""
    up = {t: float(case(t)) for t in GRID}
    for t in reversed(GRID):
        if (again := float(case(t))) != up[t]:
            raise Violation(
                "pure",
                location=case.location,
                array=f"the factor at t = {t:.4g}",
                actual=f"{again:.6g} when asked again",
                expected=f"{up[t]:.6g}, as the first time",
                cause="a counter of calls, or a factor kept from the call before: a resumed run would differ",
            )
