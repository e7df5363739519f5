"""The last batch is kept where it is smaller, also when it is the only one."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import FEW, ODD, count, epoch
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "last-batch",
    kind="batches",
    family="shape",
    statement="The last batch is kept where it is smaller, also when it is the only one.",
    depends_on=("once-per-epoch",),
)
def last_batch(case: BatchesCase) -> None:
    """A set that is no multiple of the batch, and one smaller than a batch."""
    for n in (ODD, FEW):
        count(case, "last-batch", epoch(case, n), n)
