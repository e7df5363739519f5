"""The loss must be a mean over the batch.

Finds sums over the batch, with which the learning rate depends on the batch size.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable

SUM = Cause("sum-instead-of-mean", "a sum over the batch in place of a mean")


@law(
    "loss-mean",
    kind="model",
    family="numerics",
    statement="The loss must be a mean over the batch: the same samples twice have the same loss.",
    why="With a sum the gradients grow with the batch size. A learning rate that works for 32 samples diverges for "
    "256, and losses of batches of different sizes can't be compared.",
    depends_on=("gradient",),
)
def loss_mean(case: ModelCase) -> None:
    """The loss of the batch is compared with that of the batch repeated twice, with a relative tolerance of 1e-3.

    Repeating it changes neither a mean nor the statistics of a normalization. A random loss is not checked.
    """
    once = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    other = case.fresh()
    other.skip_random(1)
    if float(other.loss_and_grads(case.x, case.labels)[0]) != once:
        raise NotApplicable("the loss is random")
    twice = float(case.fresh().loss_and_grads(np.concatenate([case.x] * 2), np.concatenate([case.labels] * 2))[0])
    if not np.isclose(twice, once, rtol=1e-3, atol=1e-6):
        cause = SUM if np.isclose(twice, 2 * once, rtol=1e-2) else NO_CAUSE
        array, expected = "the loss of the batch repeated twice", f"{once:.6g}, that of the batch"
        raise violation(case, "loss-mean", "loss_and_grads", array, f"{twice:.6g}", expected, cause)
