"""No image may be in the training set with two different labels.

Finds labels that do not belong to their images, and images that were labeled twice.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.data._shared import fingerprints
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import Location, NotApplicable, Violation


@law(
    "one-label",
    kind="data",
    family="domain",
    statement="No image may be in the training set with two different labels.",
    why="One of the two labels is wrong. If there are many such images, images and labels have probably been "
    "shuffled apart.",
    depends_on=("domain",),
)
def one_label(case: DataCase) -> None:
    """The 64-bit fingerprints of all training images are compared, then the images whose fingerprints are equal."""
    images, labels = case.images["training"], case.given
    if labels is None:
        raise NotApplicable("no labels of the raw images are given")
    positions: dict[int, int] = {}
    for i, fingerprint in enumerate(fingerprints(images)):
        j = positions.setdefault(int(fingerprint), i)
        if labels[i] != labels[j] and np.array_equal(images[i], images[j]):
            raise Violation(
                "one-label",
                location=Location(case.path),
                array=f"training image {i}",
                actual=f"labeled {labels[i]}, and {labels[j]} as training image {j}",
                expected="one label per image",
                cause="often labels that do not belong to their images, or an image that was labeled twice",
                cause_code="contradicting-labels",
            )
