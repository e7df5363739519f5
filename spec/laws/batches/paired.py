"""Every image must come with its own label.

It finds images and labels that are shuffled separately.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.batches._shared import EVEN, ODD, epoch, failure, samples
from nnlaw.spec.subjects.cases import BatchesCase
from nnlaw.spec.violation import Cause, Inconclusive

SEPARATE = Cause("separate-permutations", "often two different permutations, one for images and one for labels")


@law(
    "paired",
    kind="batches",
    family="learning",
    statement="Every image comes with its own label.",
    why="With wrong labels a network can only memorize; accuracy on new data stays at chance.",
    depends_on=("batch-size",),
)
def paired(case: BatchesCase) -> None:
    """Compare the labels of one epoch with those of the samples, over 30 and over 32 samples. Each image identifies its
    sample by its bright area. If images are changed, as by augmentation, more than half of the labels must be right.
    """
    for n in (EVEN, ODD):
        found = epoch(case, n)
        order, labels = found.order, np.concatenate([*found.labels, np.zeros(0, np.int64)])
        known = (order >= 0) & (order < n)
        if not found.unchanged and len(np.unique(order[known])) < 0.8 * n:
            raise Inconclusive("images are changed so much that their samples can't be identified")
        expected = samples(n)[1][order.clip(0, n - 1)]
        wrong = known & (labels != expected)
        if wrong.sum() > (0 if found.unchanged else 0.5 * known.sum()):
            at = first_index(wrong)
            raise failure(
                case,
                "paired",
                f"the label of image {at[0]} of the epoch",
                f"{labels[at]}, with the image of sample {order[at]}",
                f"{expected[at]}",
                SEPARATE,
            )
