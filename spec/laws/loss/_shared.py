"""Pieces that several laws of losses use: the batches to try, and which losses take probabilities as targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.cases import LossCase

EXTREME = 1e4  # a logit that a confident network may produce


def batches(case: LossCase) -> Iterator[tuple[Array, Array]]:
    """The batch in float64; one with N = C, one with N = C + 1, and one with a single output.

    With N = C a wrong axis may go unnoticed, or only then matter. With C = 1, (N, 1) may be confused with (N,).
    """
    point = case.prediction.astype(np.float64)
    yield point, case.target
    outputs = point.shape[-1]
    for count in {outputs, outputs + 1} - {len(point), 1}:
        rows = np.arange(count) % len(point)
        yield np.ascontiguousarray(point[rows]), case.target[rows]
    if declared_value(case.loss, "targets") != "labels" and point.ndim == 2 and outputs > 1:
        single = case.target[:, :1]
        yield np.ascontiguousarray(point[:, :1]), np.ones_like(single) if has_soft_labels(case) else single


def has_soft_labels(case: LossCase) -> bool:
    """Whether rows of the target are probabilities, which sum to 1."""
    return bool(declared_value(case.loss, "targets") == "real" and declared_value(case.loss, "domain") == "logits")
