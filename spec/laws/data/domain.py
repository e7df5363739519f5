"""Labels are integers in [0, C), and every class is trained on."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law("domain", kind="data", family="domain", statement="Labels are integers in [0, C), and every class is trained on.")
def domain(case: DataCase) -> None:
    """Every split's labels; the classes of the training split."""
    for name, found in case.labels.items():
        wrong = (found < 0) | (found >= case.classes) | (found != np.floor(found))
        if wrong.any():
            at = first_index(wrong)
            raise Violation(
                "domain",
                location=Location(case.path),
                array=f"{name} labels",
                index=at,
                actual=str(found[at]),
                expected=f"an integer in [0, {case.classes})",
            )
    absent = sorted(set(range(case.classes)) - set(np.unique(case.labels["training"]).tolist()))
    if absent:
        raise Violation(
            "domain",
            location=Location(case.path),
            array=f"class {absent[0]}",
            actual="absent from the training split",
            expected="at least one image of each class",
        )
