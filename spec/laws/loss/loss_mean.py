"""The loss of a batch must be the mean over its samples, or the learning rate depends on the batch size.

It finds sums over the batch, means over samples and classes, and a mean over the wrong axis.
"""

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
    statement="The loss of a batch is the mean of the losses of its samples.",
    why="A loss that is summed over the batch makes the step grow with the batch size: a learning rate that works for "
    "one batch size diverges or stalls with another.",
)
def loss_mean(case: LossCase) -> None:
    """Compute the loss of a batch, and of each of its samples alone, in float64. The first must be the mean of the
    others within a relative error of 1e-6. Tried with the batch as it is, with N = C, with N = C + 1 and with C = 1.
    """
    for point, target in batches(case):
        whole = float(case.fresh().forward(point, target))
        each = [float(case.fresh().forward(point[i : i + 1], target[i : i + 1])) for i in range(len(point))]
        mean = float(np.mean(each))
        if not np.isclose(whole, mean, rtol=1e-6, atol=1e-9):
            summed = np.isclose(whole, sum(each), rtol=1e-6)
            raise Violation(
                "loss-mean",
                location=case.location("forward"),
                array="the loss",
                actual=f"{whole:.6g} for predictions of shape {point.shape}",
                expected=f"{mean:.6g}, the mean over the samples",
                cause="a sum over the batch instead of a mean" if summed else "",
                cause_code="sum-instead-of-mean" if summed else "",
            )
