"""No two units start alike, unless a variance of 0 is claimed."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, drawn
from nnlaw.spec.reference import INITIALIZERS, standard
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "symmetry",
    kind="initializer",
    family="gradient",
    statement="No two units start alike, unless a variance of 0 is claimed.",
    depends_on=("finite",),
)
def symmetry(case: InitializerCase) -> None:
    """Equal columns of W (fan_in, fan_out); single zero columns are excused, for sparse and identity matrices."""
    claimed = claim(case.thing, "variance")
    named = standard(case.thing, case.name, INITIALIZERS)
    if (claimed is not None and not any(claimed(*s) for s in SHAPES)) or named == "zeros":
        raise NotApplicable("a variance of 0 is claimed: all units are meant to start alike")
    for wanted in SHAPES:
        weights = drawn(case, wanted)
        seen: dict[bytes, int] = {}
        for unit, column in enumerate(np.ascontiguousarray(weights.T)):
            twin = seen.setdefault(column.tobytes(), unit)
            if twin != unit and (column.any() or not weights.any()):
                raise Violation(
                    "symmetry",
                    location=case.location,
                    array="the weights",
                    actual=f"the same for units {twin} and {unit} of {wanted[1]}",
                    expected="no two units alike",
                    cause="units that start equal get equal gradients, and stay one unit forever",
                )
