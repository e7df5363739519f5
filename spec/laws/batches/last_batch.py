"""The samples of a partial last batch must not be lost.

It finds samplers that drop the last batch if it is smaller, or fill it up with samples of earlier batches.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import FEW, ODD, check_counts, epoch
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "last-batch",
    kind="batches",
    family="shape",
    statement="A partial last batch is kept, also if it is the only one.",
    why="Without a shuffle the dropped samples are never trained on; a set smaller than one batch trains on nothing.",
    depends_on=("once-per-epoch",),
)
def last_batch(case: BatchesCase) -> None:
    """Count the samples of one epoch with batches of 6, over sets of 32 samples and of 4."""
    for n in (ODD, FEW):
        check_counts(case, "last-batch", epoch(case, n), n)
