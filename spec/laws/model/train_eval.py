"""Prediction must be deterministic, and leave training unchanged.

Finds dropout that is active while predicting, running statistics updated by predict, and layers left in evaluation
mode.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import check_training_unchanged, violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "random-in-evaluation", "often dropout that is active while predicting, or running statistics that predict updates"
)


@law(
    "train-eval",
    kind="model",
    family="state",
    statement="Prediction must be deterministic, and leave training unchanged.",
    why="With dropout active while predicting the test accuracy is too low and changes from run to run. With layers "
    "left in evaluation mode, dropout stops after the first validation.",
)
def train_eval(case: ModelCase) -> None:
    """Four predictions of one batch by one model are equal bit for bit.

    The training loss of that model equals that of a copy that never predicted, with a relative tolerance of 1e-3,
    unless the loss is random.
    """
    model = case.fresh()
    first = np.array(model.predict(case.x))
    for _ in range(3):
        later = model.predict(case.x)
        if not np.array_equal(later, first):
            at = first_index(later != first)
            actual, expected = f"{later[at]:.6g} in a later call", f"{first[at]:.6g}, as in the first"
            raise violation(case, "train-eval", "predict", "output", actual, expected, CAUSE, at)
    check_training_unchanged(case, "train-eval", "predict", model, case.x, case.labels)
