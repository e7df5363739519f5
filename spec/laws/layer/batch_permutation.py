"""Reordering the rows of a batch must reorder the outputs, and change nothing else.

Finds code that depends on the position of a row: a cumulative sum over the batch, a stored row, a fixed mask.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, modes, skip_if_samples_are_coupled
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "row-position", "often code that depends on a row's position: a cumulative sum, a stored row, a fixed mask"
)


@law(
    "batch-permutation",
    kind="layer",
    family="shape",
    statement="Rows in another order must give the same outputs in that order, unless couples_samples is declared.",
    why="Batches are shuffled in every epoch. If the position matters, the network learns something about the order, "
    "which is noise.",
    depends_on=("pure",),
)
def batch_permutation(case: LayerCase) -> None:
    """The rows are rolled by one position.

    Outputs are compared with a relative tolerance of 1e-4, in evaluation mode and, if the layer draws no random
    numbers, in training mode.
    """
    skip_if_samples_are_coupled(case)
    for training in modes(case):
        expected = np.roll(case.fresh(training).forward(case.x), 1, axis=0)
        actual = case.fresh(training).forward(np.roll(case.x, 1, axis=0))
        note = "with the rows rolled by one"
        check_close(case, "batch-permutation", "forward", "output", actual, expected, CAUSE, note=note)
