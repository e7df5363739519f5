"""A schedule must return a number between 0 and 1 at every time of training.

It finds factors below 0 or above 1, divisions by zero at t = 0 or t = 1, and results that are not numbers.
"""

from __future__ import annotations

from math import isclose
from numbers import Real

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation

ROUNDOFF = 1e-9
UNSCALED = Cause(
    "unscaled-fall", "the factor at t = 0 is 1 plus that at t = 1, as if the fall was not scaled by 1 − end"
)


@law(
    "bounds",
    kind="schedule",
    family="domain",
    statement="The factor is a number in [0, 1] for every t from 0 to 1, both included.",
    why="The factor is multiplied by the learning rate. A negative one climbs the loss; one above 1 exceeds the "
    "learning rate that was set.",
)
def bounds(case: ScheduleCase) -> None:
    """Call the schedule at about 500 times from 0 to 1, both included."""
    for t in GRID:
        found = _factor(case, t)
        if not (isinstance(found, float) and -ROUNDOFF <= found <= 1 + ROUNDOFF):
            cause = _cause(case, t, found)
            raise Violation(
                "bounds",
                location=case.location,
                array=f"the factor at t = {t:.4g}",
                actual=f"{found:.6g}" if isinstance(found, float) else found,
                expected="a number in [0, 1]",
                cause=cause.text,
                cause_code=cause.code,
            )


def _cause(case: ScheduleCase, t: float, found: float | str) -> Cause:
    """A fall from 1 to 0 that is added to the factor at the end; else NO_CAUSE."""
    end = _factor(case, 1.0)
    if t or not isinstance(found, float) or not isinstance(end, float) or not end:
        return NO_CAUSE
    return UNSCALED if isclose(found, 1 + end, abs_tol=ROUNDOFF) else NO_CAUSE


def _factor(case: ScheduleCase, t: float) -> float | str:
    """The factor; if it is not a number, a description."""
    try:
        factor = case(t)
    except (ArithmeticError, ValueError) as error:
        return f"an exception, {type(error).__name__}: {error}"
    if isinstance(factor, np.ndarray) and factor.ndim == 0:
        factor = factor[()]
    return float(factor) if isinstance(factor, Real) else repr(factor)
