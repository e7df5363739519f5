"""Labels must be integers in [0, C), and every class must be in the training set.

Finds labels that count from 1, and classes that are missing after a split.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law(
    "domain",
    kind="data",
    family="domain",
    statement="Labels must be integers in [0, C), and every class must be in the training set.",
    why="A label of -1 selects the last class without an error message, and a class that is missing in training is "
    "never predicted.",
)
def domain(case: DataCase) -> None:
    """The labels of the training, validation and test split; the classes of the training split."""
    for name, labels in case.labels.items():
        wrong = (labels < 0) | (labels >= case.classes) | (labels != np.floor(labels))
        if wrong.any():
            at = first_index(wrong)
            raise Violation(
                "domain",
                location=Location(case.path),
                array=f"labels[{name!r}]",
                index=at,
                actual=str(labels[at]),
                expected=f"an integer in [0, {case.classes})",
            )
    missing = sorted(set(range(case.classes)) - set(np.unique(case.labels["training"]).tolist()))
    if missing:
        raise Violation(
            "domain",
            location=Location(case.path),
            array=f"class {missing[0]}",
            actual="missing in the training split",
            expected="at least one image of every class",
        )
