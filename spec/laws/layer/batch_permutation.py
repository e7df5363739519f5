"""Rows in another order give the same outputs in that order, unless the layer claims couples_samples."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import close, modes, uncoupled
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "batch-permutation",
    kind="layer",
    family="shape",
    statement="Rows in another order give the same outputs in that order, unless the layer claims couples_samples.",
    depends_on=("pure",),
)
def batch_permutation(case: LayerCase) -> None:
    """Every row moves by one place."""
    uncoupled(case)
    for training in modes(case):
        wanted = np.roll(case.fresh(training).forward(case.x), 1, axis=0)
        found = case.fresh(training).forward(np.roll(case.x, 1, axis=0))
        cause = "something that depends on a row's place in the batch: a cumulative sum, a stored row, a fixed mask"
        close(case, "batch-permutation", "forward", "output of the rolled batch", found, wanted, cause)
