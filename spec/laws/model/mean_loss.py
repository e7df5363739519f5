"""mean_loss must be the mean of the losses of the samples in evaluation mode, and leave training unchanged.

Finds a sum in place of the mean, a mean over the means of unequal parts, dropout in evaluation mode, and layers left
in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import check_training_unchanged, trains_as_it_evaluates, violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

FIRST, SECOND = 1200, 300  # copies of two samples: more than are evaluated at a time, and unevenly divided

RANDOM = Cause("random-in-evaluation", "often dropout in evaluation mode")
NOT_THE_MEAN = Cause("not-the-mean", "often a sum, a mean over the means of unequal parts, or batch statistics")


@law(
    "mean-loss",
    kind="model",
    family="numerics",
    statement="mean_loss must be the mean of the losses of the samples in evaluation mode, and leave training "
    "unchanged.",
    why="The validation loss decides when to stop and which weights to keep. If it is biased by the last, smaller part "
    "of the data, or by dropout, the wrong epoch is chosen.",
    depends_on=("gradient", "train-eval", "independent-samples", "loss-mean"),
)
def mean_loss(case: ModelCase) -> None:
    """Two calls give equal values; 1200 copies of one sample and 300 of another give their weighted mean.

    The training loss after a call is that without it, and equals mean_loss if training computes the same loss. The
    relative tolerance is 1e-3, in the last comparison 1e-4.
    """
    if not case.model.has("mean_loss"):
        raise NotApplicable("the model has no mean_loss")
    model, x, labels = case.fresh(), case.x, case.labels
    value = float(model.call("mean_loss", x, labels))
    if float(second := model.call("mean_loss", x, labels)) != value:
        raise _violation(case, f"{second:.6g} in a second call", f"{value:.6g}, as in the first", RANDOM)
    _check_weighted_mean(case, model)
    loss = check_training_unchanged(case, "mean-loss", "mean_loss", model, x, labels)
    if loss is not None and trains_as_it_evaluates(case, x, labels) and not np.isclose(value, loss, 1e-4, 1e-6):
        raise _violation(case, f"{value:.6g}", f"{loss:.6g}, as in training mode, which computes the same loss here")


def _check_weighted_mean(case: ModelCase, model: Any) -> None:
    first, second = (float(model.call("mean_loss", case.x[i : i + 1], case.labels[i : i + 1])) for i in (0, 1))
    rows = np.repeat([0, 1], [FIRST, SECOND])
    found = float(model.call("mean_loss", case.x[rows], case.labels[rows]))
    mean = (FIRST * first + SECOND * second) / len(rows)
    if not np.isclose(found, mean, rtol=1e-3, atol=1e-6):
        raise _violation(
            case, f"{found:.6g} for {len(rows)} samples", f"{mean:.6g}, the mean of their losses", NOT_THE_MEAN
        )


def _violation(case: ModelCase, actual: str, expected: str, cause: Cause = NO_CAUSE) -> Violation:
    return violation(case, "mean-loss", "mean_loss", "mean_loss", actual, expected, cause)
