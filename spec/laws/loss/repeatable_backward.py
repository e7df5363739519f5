"""backward gives the same gradient twice, and answers the latest forward."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import Violation


@law(
    "repeatable-backward",
    kind="loss",
    family="state",
    statement="backward gives the same gradient twice, and answers the latest forward.",
)
def repeatable_backward(case: LossCase) -> None:
    """Called twice, its first answer written over in between, and once after a forward of other predictions."""
    clean, used = case.fresh(), case.fresh()
    used.forward(case.prediction[::-1], case.target)
    used.backward()
    clean.forward(case.prediction, case.target)
    used.forward(case.prediction, case.target)
    first = np.array(clean.backward())
    for found, cause in (
        (np.array(clean.backward()), "backward changes what it keeps, as by an operation in place"),
        (np.array(used.backward()), "a gradient that is kept from an earlier forward"),
    ):
        if not np.array_equal(found, first):
            at = first_index(found != first) if found.shape == first.shape else None
            raise Violation(
                "repeatable-backward",
                location=case.location("backward"),
                array="d prediction",
                index=at,
                actual=f"of shape {found.shape}" if at is None else f"{found[at]:.6g}",
                expected=str(first.shape) if at is None else f"{first[at]:.6g}",
                cause=cause,
            )
