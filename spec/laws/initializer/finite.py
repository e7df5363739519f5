"""Initial weights must be finite.

It finds divisions by zero in the scale, such as a fan that may be 0.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, weights_of
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import Violation, counted


@law(
    "finite",
    kind="initializer",
    family="numerics",
    statement="All weights are finite.",
    why="One nan in the weights makes every output of the network nan.",
    depends_on=("shape",),
)
def finite(case: InitializerCase) -> None:
    """Call the initializer for the shapes (300, 40) and (40, 300)."""
    for shape in SHAPES:
        if not is_finite(found := weights_of(case, shape).astype(np.float64)):
            raise Violation(
                "finite",
                location=case.location,
                array=f"a weight of shape {shape}",
                actual=f"nan or infinite at {counted(int((~np.isfinite(found)).sum()), 'place')}",
                expected="finite numbers",
            )
