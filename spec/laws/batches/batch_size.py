"""Batches have the size asked for: none is empty or larger, and where there is enough, one is full."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, FEW, ODD, SIZE, broken, epoch
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "batch-size",
    kind="batches",
    family="shape",
    statement="Batches have the size asked for: none is empty or larger, and where there is enough, one is full.",
)
def batch_size(case: BatchesCase) -> None:
    """Whole batches, a partial last one, and a set smaller than a batch."""
    for n in (EVEN, ODD, FEW):
        sizes = [len(rows) for rows in epoch(case, n).rows]
        if sizes and (max(sizes) > SIZE or (n == EVEN and max(sizes) < SIZE)):
            raise broken(case, "batch-size", "the largest batch", f"of {max(sizes)} samples", f"{SIZE}, as asked for")
