"""No test image stands among the training images."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.data._shared import fingerprints
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law(
    "disjoint",
    kind="data",
    family="state",
    statement="No test image stands among the training images.",
)
def disjoint(case: DataCase) -> None:
    """Compare 64-bit fingerprints of all images, then, where two agree, the images themselves."""
    train, test = case.images["training"], case.images["test"]
    known = {int(print_): i for i, print_ in enumerate(fingerprints(train))}
    for i, print_ in enumerate(fingerprints(test)):
        twin = known.get(int(print_))
        if twin is not None and np.array_equal(train[twin], test[i]):
            raise Violation(
                "disjoint",
                location=Location(case.path),
                array="test image",
                index=(i,),
                actual=f"the same as training image {twin}",
                expected="an image that was never trained on",
                cause="test data leaked into the training set: the test accuracy would flatter",
            )
