"""The loss of a batch is the mean of the losses of its samples, also where N = C and where C = 1."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import batches
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import Violation


@law(
    "loss-mean",
    kind="loss",
    family="numerics",
    statement="The loss of a batch is the mean of the losses of its samples, also where N = C and where C = 1.",
)
def loss_mean(case: LossCase) -> None:
    """Whole batches against their samples one at a time, in float64."""
    for point, target in batches(case):
        whole = float(case.fresh().forward(point, target))
        each = [float(case.fresh().forward(point[i : i + 1], target[i : i + 1])) for i in range(len(point))]
        mean = float(np.mean(each))
        if not np.isclose(whole, mean, rtol=1e-6, atol=1e-9):
            summed = np.isclose(whole, sum(each), rtol=1e-6)
            raise Violation(
                "loss-mean",
                location=case.location("forward"),
                array="loss",
                actual=f"{whole:.6g} for predictions of shape {point.shape}",
                expected=f"{mean:.6g}, the mean over its samples",
                cause="a sum over the batch where the mean is due" if summed else "",
            )
