"""A one-hot row and its label must mean the same.

It finds losses whose branch for rows of probabilities differs from the one for labels, such as a mean over classes
instead of a sum.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "soft-labels",
    kind="loss",
    family="numerics",
    statement="One-hot rows give the same loss and gradient as the labels, if `soft_labels` is declared.",
    why="Label smoothing and mixup train with rows of probabilities. If that branch has another scale, turning them "
    "on changes the learning rate as well.",
    depends_on=("gradient",),
)
def soft_labels(case: LossCase) -> None:
    """Compute loss and gradient for integer labels and for their rows of an identity matrix, in float64. They must
    agree within a relative error of 1e-6.
    """
    if not declared_value(case.loss, "soft_labels") or declared_value(case.loss, "targets") != "labels":
        raise NotApplicable("soft_labels is not declared")
    point, rows = case.prediction.astype(np.float64), np.eye(case.prediction.shape[-1])[case.target]
    hard, soft = case.fresh(), case.fresh()
    values = hard.forward(point, case.target), soft.forward(point, rows)
    slopes = hard.backward(), soft.backward()
    for what, method, pair in (("the loss", "forward", values), ("d prediction", "backward", slopes)):
        one, two = (np.asarray(found, np.float64) for found in pair)
        off = ~np.isclose(two, one, rtol=1e-6, atol=1e-9)
        if off.any():
            at = first_index(off)
            raise Violation(
                "soft-labels",
                location=case.location(method),
                array=what if at else f"{what} of one-hot rows",
                index=at or None,
                actual=f"{two[at]:.6g}{' for one-hot rows' if at else ''}",
                expected=f"{one[at]:.6g}, as for the labels",
            )
