"""In evaluation mode the same input must give the same output, and later calls must not change it.

Finds an output buffer that is reused, and attributes that forward changes.
"""

from __future__ import annotations

from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_equal
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause

REUSED = Cause("reused-output-buffer", "often an output buffer that is reused; return a new array")
CHANGED = Cause("forward-changes-state", "often an attribute that forward changes and reads in the next call")


@law(
    "pure",
    kind="layer",
    family="state",
    statement="In evaluation mode the same input must give the same output, and later calls must not change it.",
    why="A prediction must not depend on earlier predictions. A reused buffer also changes arrays that other layers "
    "have stored for their backward pass.",
    depends_on=("seeded", "train-eval"),
)
def pure(case: LayerCase) -> None:
    """One instance is called with x, another batch, and x again; outputs are compared bit for bit."""
    layer = case.fresh(False)
    first = layer.forward(case.x)
    expected = first.copy()
    layer.forward(inside_domain(layer, -case.x, case.other_x))
    check_equal(case, "pure", "forward", "output", first, expected, REUSED, "before the next call overwrote it")
    check_equal(case, "pure", "forward", "output", layer.forward(case.x), expected, CHANGED, "in an earlier call")
