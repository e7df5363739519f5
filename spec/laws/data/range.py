"""Training inputs must have mean 0 and standard deviation 1.

Finds pixels that are only divided by 255, and a standardization with the statistics of other images.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation

TOLERANCE = 1e-3  # of mean and standard deviation


@law(
    "range",
    kind="data",
    family="numerics",
    statement="Training inputs must have mean 0 and standard deviation 1.",
    why="Initial weights and learning rates are chosen for inputs of this scale. With others the first layer starts "
    "with activations that are too large or too small, and learns slowly.",
    depends_on=("finite",),
)
def within_range(case: DataCase) -> None:
    """One mean and one standard deviation over all pixels of the training split, with a tolerance of 0.001."""
    mean = float(case.x.mean(dtype=np.float64))
    blocks = (case.x[i : i + 64] for i in range(0, len(case.x), 64))  # one float32 sum would lose small terms
    squares = sum(float(np.vdot(block, block)) for block in blocks)
    deviation = float(np.sqrt(squares / case.x.size - mean**2))
    for name, actual, expected in (("mean", mean, 0.0), ("standard deviation", deviation, 1.0)):
        if not abs(actual - expected) <= TOLERANCE:
            raise Violation(
                "range",
                location=Location(case.path),
                array=f"the {name} of the training inputs",
                actual=f"{actual:.4g}",
                expected=f"{expected:g} within {TOLERANCE:g}",
                cause="often no standardization, or one with the statistics of other images than the training split",
                cause_code="not-standardized",
            )
