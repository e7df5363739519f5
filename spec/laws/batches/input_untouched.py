"""A batch sampler must not write into the caller's arrays.

It finds shuffling in place and preprocessing in place.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import ODD, epoch, failure, samples
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import Cause

IN_PLACE = Cause(
    "changed-in-place", "often an operation in place, such as rng.shuffle(x) or x -= ...; index with a permutation"
)


@law(
    "input-untouched",
    kind="batches",
    family="state",
    statement="The sampler does not change the arrays that it receives.",
    why="The caller's data would be different after each epoch: normalized twice, or in another order than the labels "
    "that someone else holds.",
    depends_on=("paired",),
)
def input_untouched(case: BatchesCase) -> None:
    """Compare x and y bit for bit before and after an epoch over 32 samples."""
    found = epoch(case, ODD)
    for name, after, before in zip(("x", "y"), (found.x, found.y), samples(ODD), strict=True):
        if not np.array_equal(after, before):
            at = first_index(after != before)
            actual, expected = f"{after[at]:.6g} after the epoch", f"{before[at]:.6g}, as before"
            raise failure(case, "input-untouched", name, actual, expected, IN_PLACE).with_fields(index=at)
