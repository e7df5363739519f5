"""An epoch must contain each sample exactly once.

It finds sampling with replacement, ranges that end too early, and epochs that never end.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, ODD, check_counts, epoch, failure
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "once-per-epoch",
    kind="batches",
    family="learning",
    statement="Every sample comes once per epoch, and the epoch ends.",
    why="With replacement, about a third of the samples are missing from each epoch.",
    depends_on=("paired",),
)
def once_per_epoch(case: BatchesCase) -> None:
    """Count the samples of three epochs with one generator, over 30 samples in batches of 6.

    Code that is not registered must not repeat one in an epoch of 32 either; it may drop a partial last batch, unless
    its `__len__` counts that.
    """
    rng = case.rng
    for _ in range(3):
        found = epoch(case, EVEN, rng)
        if found.endless:
            raise failure(case, "once-per-epoch", "the epoch", f"not over after {4 * EVEN} batches", "an end")
        check_counts(case, "once-per-epoch", found, EVEN)
    if not case.registered:
        last = epoch(case, ODD, rng)
        repeats = last.unchanged and np.bincount(last.order, minlength=ODD).max() > 1
        if repeats or case.thing.attribute("counts_last"):
            check_counts(case, "once-per-epoch", last, ODD)
