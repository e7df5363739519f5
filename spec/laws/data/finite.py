"""No input is nan or infinite."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law("finite", kind="data", family="numerics", statement="No input is nan or infinite.")
def finite(case: DataCase) -> None:
    """One dot product over the training inputs."""
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
