"""A model trained on a single class must predict that class.

Finds labels that are shifted or permuted on their way into the loss.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import train
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause, Inconclusive

STEPS = 200  # Adam steps, enough to learn that all samples belong to one class

CAUSE = Cause("shifted-labels", "often labels that are shifted or permuted before the loss, such as labels − 1")


@law(
    "labels",
    kind="model",
    family="learning",
    statement="A model trained on a single class must predict that class.",
    why="With shifted labels the training loss falls as it should and gradients are right, but nearly every "
    "prediction is wrong.",
    depends_on=("gradient",),
)
def labels(case: ModelCase) -> None:
    """For up to ten classes a copy is trained with Adam on samples that all have this label, for up to 200 steps.

    The class with the largest mean probability must be that label. Classes for which the loss does not fall by half
    are left out; if it falls for no class, the result is inconclusive.
    """
    classes = case.fresh().predict(case.x).shape[1]
    learned = False
    for c in np.unique(np.linspace(0, classes - 1, min(classes, 10)).astype(int)):
        predicted = _predicted_after_training(case, int(c))
        learned |= predicted is not None
        if predicted not in (None, c):
            actual = f"class {predicted} after training on class {c} only"
            raise violation(case, "labels", "loss_and_grads", "the prediction", actual, f"class {c}", CAUSE)
    if not learned:
        raise Inconclusive(f"the loss does not fall by half in {STEPS} steps, even if all labels are equal")


def _predicted_after_training(case: ModelCase, c: int) -> int | None:
    """The class predicted for the batch after training on labels that are all c; None if the loss does not fall.

    Predictions may lag behind the loss, because of running statistics or a biased start, so training continues until
    the prediction is c.
    """
    model, predicted = case.fresh(), None
    losses = train(model, case.x, np.full_like(case.labels, c), 1e-2)
    loss = first = next(losses)
    for _ in range(STEPS // 10):
        *_, loss = loss, *islice(losses, 10)
        if loss <= first / 2 and (predicted := _most_likely(model.predict(case.x))) == c:
            break
    return predicted


def _most_likely(probabilities: Array) -> int:
    return int(np.asarray(probabilities, np.float64).mean(axis=0).argmax())
