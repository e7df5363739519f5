"""Batches must have the requested size.

It finds slices that are one too long or too short, and empty batches.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, FEW, ODD, SIZE, epoch, failure
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "batch-size",
    kind="batches",
    family="shape",
    statement="No batch is empty or larger than requested, and with enough samples one has the full size.",
    why="The batch size sets the noise of the gradient and the number of steps per epoch; with another one than "
    "requested, results can't be compared.",
)
def batch_size(case: BatchesCase) -> None:
    """Request batches of 6 from sets of 30 samples (whole batches), 32 (a partial last batch) and 4 (less than one)."""
    for n in (EVEN, ODD, FEW):
        sizes = [len(rows) for rows in epoch(case, n).rows]
        if sizes and (max(sizes) > SIZE or (n == EVEN and max(sizes) < SIZE)):
            raise failure(case, "batch-size", "the largest batch", f"of {max(sizes)} samples", f"{SIZE}, as requested")
