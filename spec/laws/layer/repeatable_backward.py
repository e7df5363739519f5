"""backward called twice with the same dy gives the same gradients twice."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import answers, equal, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "repeatable-backward",
    kind="layer",
    family="state",
    statement="backward called twice with the same dy gives the same gradients twice.",
    depends_on=("gradient",),
)
def repeatable_backward(case: LayerCase) -> None:
    """Catches gradients that pile up and caches that are used up."""
    layer = case.fresh()
    dy = some_dy(case, layer.forward(case.x))
    first = answers(layer, dy)
    for name, again in answers(layer, dy).items():
        doubled = np.allclose(again, 2 * first[name], rtol=1e-4) and first[name].any()
        cause = "gradients added up over calls" if doubled else "a cache that backward uses up or writes over"
        equal(case, "repeatable-backward", "backward", name, again, first[name], cause)
