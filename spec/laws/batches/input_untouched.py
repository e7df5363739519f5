"""The caller's arrays are neither shuffled nor written to."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import ODD, broken, epoch, samples
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "input-untouched",
    kind="batches",
    family="domain",
    statement="The caller's arrays are neither shuffled nor written to.",
    depends_on=("paired",),
)
def input_untouched(case: BatchesCase) -> None:
    """The arrays handed in, after the epoch."""
    found = epoch(case, ODD)
    for name, after, before in zip(("x", "y"), (found.x, found.y), samples(ODD), strict=True):
        if not np.array_equal(after, before):
            at = first_index(after != before)
            raise broken(
                case,
                "input-untouched",
                name,
                f"{after[at]:.6g} after the epoch",
                f"{before[at]:.6g}, as it was handed in",
                "rng.shuffle, which shuffles in place; take rng.permutation(len(x)) and index with it",
            ).with_fields(index=at)
