"""What the laws of this kind share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.subjects.cases import LossCase

EXTREME = 1e4  # a logit that a confident network may well produce


def batches(case: LossCase) -> Iterator[tuple[Array, Array]]:
    """The batch in float64; one of as many samples as there are outputs, one that has one more, and one output alone.

    Where N = C a mistaken axis goes unnoticed or strikes; where C = 1, (N, 1) may be taken for (N,).
    """
    point = case.prediction.astype(np.float64)
    yield point, case.target
    outputs = point.shape[-1]
    for count in {outputs, outputs + 1} - {len(point), 1}:
        rows = np.arange(count) % len(point)
        yield np.ascontiguousarray(point[rows]), case.target[rows]
    if claim(case.loss, "targets") != "labels" and point.ndim == 2 and outputs > 1:
        alone = case.target[:, :1]
        yield np.ascontiguousarray(point[:, :1]), np.ones_like(alone) if has_soft_labels(case) else alone


def has_soft_labels(case: LossCase) -> bool:
    """Whether rows of the target are probabilities, which sum to 1."""
    return bool(claim(case.loss, "targets") == "real" and claim(case.loss, "domain") == "logits")
