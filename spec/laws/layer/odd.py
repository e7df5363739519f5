"""A layer that declares odd = True must satisfy f(−x) = −f(x).

Finds a wrong sign or an offset in an activation, and declarations that are not true of the function.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable


@law(
    "odd",
    kind="layer",
    family="numerics",
    statement="If odd = True is declared, f(−x) must be −f(x).",
    why="A gradient check can't see that an activation has the wrong shape. Declared properties catch it.",
    depends_on=("pure",),
)
def odd(case: LayerCase) -> None:
    """The outputs for x and −x are compared in float64 and evaluation mode, with a relative tolerance of 1e-6."""
    if not declared_value(case.layer, "odd"):
        raise NotApplicable("odd is not declared")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    expected = -np.array(layer.forward(x))
    check_close(case, "odd", "forward", "output", layer.forward(-x), expected, tolerance=1e-6, note="for −x")
