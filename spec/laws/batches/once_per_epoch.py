"""Every sample comes once in an epoch, and the epoch ends."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, broken, count, epoch
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "once-per-epoch",
    kind="batches",
    family="gradient",
    statement="Every sample comes once in an epoch, and the epoch ends.",
    depends_on=("paired",),
)
def once_per_epoch(case: BatchesCase) -> None:
    """A set of whole batches, three epochs of one generator."""
    rng = case.rng
    for _ in range(3):
        found = epoch(case, EVEN, rng)
        if found.endless:
            raise broken(case, "once-per-epoch", "the epoch", f"not over after {4 * EVEN} batches", "an end")
        count(case, "once-per-epoch", found, EVEN)
