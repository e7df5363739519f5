"""No weight is nan or infinite."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, drawn
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import Violation


@law(
    "finite",
    kind="initializer",
    family="numerics",
    statement="No weight is nan or infinite.",
    depends_on=("shape",),
)
def finite(case: InitializerCase) -> None:
    """Both rectangles."""
    for wanted in SHAPES:
        if not is_finite(found := drawn(case, wanted).astype(np.float64)):
            raise Violation(
                "finite",
                location=case.location,
                array="the weights",
                actual=f"not finite in {int((~np.isfinite(found)).sum())} places",
                expected="finite numbers",
            )
