"""No test image may be in the training set.

Finds data sets that were merged or split wrongly, and images that were collected twice.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.data._shared import fingerprints
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, Violation


@law(
    "disjoint",
    kind="data",
    family="domain",
    statement="No test image may be in the training set.",
    why="The test accuracy estimates how the network does on new images. Images that it was trained on make the "
    "estimate too good.",
)
def disjoint(case: DataCase) -> None:
    """The 64-bit fingerprints of all images are compared, then the images whose fingerprints are equal."""
    train, test = case.images["training"], case.images["test"]
    positions = {int(fingerprint): i for i, fingerprint in enumerate(fingerprints(train))}
    for i, fingerprint in enumerate(fingerprints(test)):
        j = positions.get(int(fingerprint))
        if j is not None and np.array_equal(train[j], test[i]):
            raise Violation(
                "disjoint",
                location=Location(case.path),
                array=f"test image {i}",
                actual=f"identical to training image {j}",
                expected="a new image, which is not in the training set",
                cause="often test data that leaked into the training set; the test accuracy would be too high",
                cause_code="leaked-test-data",
            )
