"""In eval mode the same input gives the same output, and a later call leaves an earlier output alone."""

from __future__ import annotations

from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import equal
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "pure",
    kind="layer",
    family="state",
    statement="In eval mode the same input gives the same output, and a later call leaves an earlier output alone.",
    depends_on=("seeded", "train-eval"),
)
def pure(case: LayerCase) -> None:
    """Two calls on one instance with another in between."""
    layer = case.fresh(False)
    first = layer.forward(case.x)
    kept = first.copy()
    layer.forward(inside_domain(layer, -case.x, case.other_x))
    equal(case, "pure", "forward", "the earlier output", first, kept, "an output buffer that is used again")
    equal(case, "pure", "forward", "output", layer.forward(case.x), kept, "state that forward leaves behind")
