"""A metric must not write into the caller's arrays.

It finds sorting in place and normalization in place.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import failure, predictions
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import Cause

IN_PLACE = Cause("changed-in-place", "often an operation in place, such as probabilities.sort()")


@law(
    "input-untouched",
    kind="metric",
    family="state",
    statement="The metric does not change the probabilities and labels that it receives.",
    why="The next metric on the same predictions would be computed from changed numbers.",
    depends_on=("finite",),
)
def input_untouched(case: MetricCase) -> None:
    """Compare probabilities and labels bit for bit before and after a call."""
    given, expected = predictions(case.rng), predictions(case.rng)
    case(*given)
    for name, after, before in zip(("probabilities", "labels"), given, expected, strict=True):
        if not np.array_equal(after, before):
            array = f"the array {name}"
            raise failure(case, "input-untouched", array, "changed by the call", "unchanged", IN_PLACE)
