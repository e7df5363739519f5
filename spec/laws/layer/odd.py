"""Where odd = True is claimed, f(−x) = −f(x)."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import close
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable


@law(
    "odd",
    kind="layer",
    family="numerics",
    statement="Where odd = True is claimed, f(−x) = −f(x).",
    depends_on=("pure",),
)
def odd(case: LayerCase) -> None:
    """In float64."""
    if not declared_value(case.layer, "odd"):
        raise NotApplicable("odd is not claimed")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    wanted = -np.array(layer.forward(x))
    close(case, "odd", "forward", "the output for −x", layer.forward(-x), wanted, "", 1e-6)
