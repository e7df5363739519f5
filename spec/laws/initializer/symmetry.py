"""No two units of a layer may start with the same weights.

It finds constant weights, and one column that is repeated for all units.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, weights_of
from nnlaw.spec.reference import INITIALIZERS, standard_name
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "symmetry",
    kind="initializer",
    family="learning",
    statement="No two units start with the same weights, unless a variance of 0 is declared.",
    why="Units with equal weights get equal gradients and never become different: the layer acts like one unit.",
    depends_on=("finite",),
)
def symmetry(case: InitializerCase) -> None:
    """Compare the columns of W, one per unit, for the shapes (300, 40) and (40, 300). Equal columns fail, except zero
    columns in a matrix that has other entries, such as a sparse matrix or the identity.
    """
    declared = declared_value(case.thing, "variance")
    named = standard_name(case.thing, case.name, INITIALIZERS)
    if (declared is not None and not any(declared(*s) for s in SHAPES)) or named == "zeros":
        raise NotApplicable("a variance of 0 is declared")
    for shape in SHAPES:
        weights = weights_of(case, shape)
        seen: dict[bytes, int] = {}
        for unit, column in enumerate(np.ascontiguousarray(weights.T)):
            twin = seen.setdefault(column.tobytes(), unit)
            if twin != unit and (column.any() or not weights.any()):
                raise Violation(
                    "symmetry",
                    location=case.location,
                    array=f"the initial weight vector of units {twin} and {unit} (of {shape[1]})",
                    actual="the same",
                    expected="no two units with the same weights",
                    cause="often constant weights, or one column repeated; equal units get equal gradients",
                    cause_code="identical-units",
                )
