"""Every image comes with its own label."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, ODD, broken, epoch, samples
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import Inconclusive


@law(
    "paired",
    kind="batches",
    family="state",
    statement="Every image comes with its own label.",
    depends_on=("batch-size",),
)
def paired(case: BatchesCase) -> None:
    """Where images are changed on their way, as by augmentation, only a majority of wrong labels tells."""
    for n in (EVEN, ODD):
        found = epoch(case, n)
        order, labels = found.order, np.concatenate([*found.labels, np.zeros(0, np.int64)])
        told = (order >= 0) & (order < n)
        if not found.as_handed_in and len(np.unique(order[told])) < 0.8 * n:
            raise Inconclusive("images are changed on their way, so much that they cannot be told apart")
        expected = samples(n)[1][order.clip(0, n - 1)]
        wrong = told & (labels != expected)
        if wrong.sum() > (0 if found.as_handed_in else 0.5 * told.sum()):
            at = first_index(wrong)
            raise broken(
                case,
                "paired",
                f"the label of image {at[0]} of the epoch",
                f"{labels[at]}, with sample {order[at]}",
                f"{expected[at]}",
                "images and labels put in order by two different permutations",
            )
