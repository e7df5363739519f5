"""Training inputs have mean 0 and deviation 1."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation

CLOSE = 1e-3  # how near mean 0 and deviation 1 the training split must lie


@law(
    "range",
    kind="data",
    family="numerics",
    statement="Training inputs have mean 0 and deviation 1.",
    depends_on=("finite",),
)
def within_range(case: DataCase) -> None:
    """One mean and one deviation over all pixels of the training split."""
    mean = float(case.x.mean(dtype=np.float64))
    squares = sum(float(np.vdot(part, part)) for part in (case.x[i : i + 64] for i in range(0, len(case.x), 64)))
    deviation = float(np.sqrt(squares / case.x.size - mean**2))  # in parts: float32 sums lose what is small
    for name, found, wanted in (("mean", mean, 0.0), ("deviation", deviation, 1.0)):
        if not abs(found - wanted) <= CLOSE:
            raise Violation(
                "range",
                location=Location(case.path),
                array=f"the {name} of the training inputs",
                actual=f"{found:.4g}",
                expected=f"{wanted:g} within {CLOSE:g}",
                cause="no standardization, or one fitted on other images than the training split",
            )
