"""A layer that declares monotone = True must not decrease when its inputs increase.

Finds a wrong sign or a wrong branch in an activation, and declarations that are not true of the function.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "monotone",
    kind="layer",
    family="numerics",
    statement="If monotone = True is declared, no output may decrease when all inputs increase.",
    why="A gradient check can't see that an activation has the wrong shape. Declared properties catch it.",
    depends_on=("pure",),
)
def monotone(case: LayerCase) -> None:
    """The output for x is compared with that for x + 0.01, x + 0.3, x + 1 and x + 5, in float64 and evaluation mode."""
    if not declared_value(case.layer, "monotone"):
        raise NotApplicable("monotone is not declared")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    before = np.array(layer.forward(x))
    for rise in (1e-2, 0.3, 1.0, 5.0):
        after = layer.forward(inside_domain(case.layer, x + rise, x))
        decreased = after < before - 1e-9 * np.abs(before)
        if decreased.any():
            at = first_index(decreased)
            raise Violation(
                "monotone",
                location=case.location("forward"),
                array="output",
                index=at,
                actual=f"{after[at]:.6g} for x + {rise:g}",
                expected=f"at least {before[at]:.6g}, the output for x",
            )
