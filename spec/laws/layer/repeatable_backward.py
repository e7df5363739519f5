"""backward called twice with the same dy must return the same gradients twice.

Finds gradients that accumulate over calls, and caches that backward consumes.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_equal, gradients_of, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause

ACCUMULATED = Cause("accumulated-gradients", "backward adds to the gradients of the previous call")
CACHE = Cause("cache-consumed", "often a cache that backward consumes or overwrites")


@law(
    "repeatable-backward",
    kind="layer",
    family="state",
    statement="backward called twice with the same dy must return the same gradients twice.",
    why="Gradients that accumulate from step to step act like a growing learning rate, although each single backward "
    "pass is right.",
    depends_on=("gradient",),
)
def repeatable_backward(case: LayerCase) -> None:
    """One forward call, two backward calls: dx and every parameter's gradient are compared bit for bit."""
    layer = case.fresh()
    dy = random_dy(case, layer.forward(case.x))
    first = gradients_of(layer, dy)
    for name, second in gradients_of(layer, dy).items():
        doubled = np.allclose(second, 2 * first[name], rtol=1e-4) and first[name].any()
        cause = ACCUMULATED if doubled else CACHE
        note = "in the first call"
        check_equal(case, "repeatable-backward", "backward", name, second, first[name], cause, note)
