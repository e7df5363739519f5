"""No image stands in the training set under two labels."""

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
    statement="No image stands in the training set under two labels.",
    depends_on=("domain",),
)
def one_label(case: DataCase) -> None:
    """Images of one 64-bit fingerprint under several labels, then the images themselves."""
    images, labels = case.images["training"], case.given
    if labels is None:
        raise NotApplicable("the labels of the images are not given")
    found: dict[int, int] = {}
    for i, print_ in enumerate(fingerprints(images)):
        twin = found.setdefault(int(print_), i)
        if labels[i] != labels[twin] and np.array_equal(images[i], images[twin]):
            raise Violation(
                "one-label",
                location=Location(case.path),
                array="training image",
                index=(i,),
                actual=f"labeled {labels[i]}, and {labels[twin]} where it stands as training image {twin}",
                expected="one label an image",
                cause="labels that do not match their images, or a picture that was labeled twice",
            )
