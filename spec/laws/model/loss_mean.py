"""The reported loss is a mean over the batch: the same samples twice over cost no more."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.copies import copy_with_generators
from nnlaw.spec.violation import NotApplicable


@law(
    "loss-mean",
    kind="model",
    family="numerics",
    statement="The reported loss is a mean over the batch: the same samples twice over cost no more.",
    depends_on=("gradient",),
)
def loss_mean(case: ModelCase) -> None:
    """The batch against itself twice over, which moves neither a mean nor the statistics of a normalization."""
    once = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    other, generators = copy_with_generators(case.model)
    for generator in generators:
        generator.random()
    if float(other.loss_and_grads(case.x, case.labels)[0]) != once:
        raise NotApplicable("the loss is random")
    twice = float(case.fresh().loss_and_grads(np.concatenate([case.x] * 2), np.concatenate([case.labels] * 2))[0])
    if not np.isclose(twice, once, rtol=1e-3, atol=1e-6):
        accuse(
            case,
            "loss-mean",
            "the loss of the batch twice over",
            f"{twice:.6g}",
            f"{once:.6g}, as for the batch once",
            "a sum over the batch where the mean is due" if np.isclose(twice, 2 * once, rtol=1e-2) else "",
        )
