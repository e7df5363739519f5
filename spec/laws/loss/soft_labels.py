"""Where soft_labels is claimed, one-hot rows give the loss and the gradient of their labels."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "soft-labels",
    kind="loss",
    family="domain",
    statement="Where soft_labels is claimed, one-hot rows give the loss and the gradient of their labels.",
    depends_on=("gradient",),
)
def soft_labels(case: LossCase) -> None:
    """Integers against the rows of an identity matrix."""
    if not claim(case.loss, "soft_labels") or claim(case.loss, "targets") != "labels":
        raise NotApplicable("soft_labels is not claimed")
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
                array=f"{what} of one-hot rows",
                index=at or None,
                actual=f"{two[at]:.6g}",
                expected=f"{one[at]:.6g}, that of the labels",
            )
