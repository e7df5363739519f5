"""Where monotone = True is claimed, no output falls as the inputs rise."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import differ
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable


@law(
    "monotone",
    kind="layer",
    family="numerics",
    statement="Where monotone = True is claimed, no output falls as the inputs rise.",
    depends_on=("pure",),
)
def monotone(case: LayerCase) -> None:
    """The batch, and the batch raised by several amounts, in float64."""
    if not declared_value(case.layer, "monotone"):
        raise NotApplicable("monotone is not claimed")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    before = np.array(layer.forward(x))
    for rise in (1e-2, 0.3, 1.0, 5.0):
        after = layer.forward(inside_domain(case.layer, x + rise, x))
        fallen = after < before - 1e-9 * np.abs(before)
        if fallen.any():
            differ(case, "monotone", "forward", f"the output at x + {rise:g}", after, before, "", fallen)
