"""The factor is a number in [0, 1] at every t from 0 to 1, both included."""

from __future__ import annotations

from numbers import Real

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.schedule._shared import GRID
from nnlaw.spec.subjects.cases import ScheduleCase
from nnlaw.spec.violation import Violation

ROUNDOFF = 1e-9


@law(
    "bounds",
    kind="schedule",
    family="numerics",
    statement="The factor is a number in [0, 1] at every t from 0 to 1, both included.",
)
def bounds(case: ScheduleCase) -> None:
    """Some five hundred values of t."""
    for t in GRID:
        found = _factor(case, t)
        if not (isinstance(found, float) and -ROUNDOFF <= found <= 1 + ROUNDOFF):
            raise Violation(
                "bounds",
                location=case.location,
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
