"""Inputs must be free of NaN and infinity.

Finds missing values in the data, and a standardization that divides by 0.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law(
    "finite",
    kind="data",
    family="numerics",
    statement="Inputs must be free of NaN and infinity.",
    why="A single NaN in a batch makes the loss, the gradients and, after one step, all weights NaN.",
)
def finite(case: DataCase) -> None:
    """Every entry of the training inputs is finite."""
    if not is_finite(case.x):
        at = first_index(~np.isfinite(case.x))
        raise Violation(
            "finite",
            location=Location(case.path),
            array="x",
            index=at,
            actual=f"{case.x[at]}",
            expected="a finite number",
        )
