"""Labels are used as given: what has learnt that all samples are of class c predicts class c."""

from __future__ import annotations

from itertools import islice

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import adam
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Inconclusive

TAUGHT = 200  # Adam steps to learn that all samples are of one class


@law(
    "labels",
    kind="model",
    family="gradient",
    statement="Labels are used as given: what has learnt that all samples are of class c predicts class c.",
    depends_on=("gradient",),
)
def labels(case: ModelCase) -> None:
    """Up to ten classes, each taught to a fresh copy; judged of those that it learns, by the loss that it reports."""
    classes = case.fresh().predict(case.x).shape[1]
    learnt = False
    for c in np.unique(np.linspace(0, classes - 1, min(classes, 10)).astype(int)):
        said = _said_once_taught(case, int(c))
        learnt |= said is not None
        if said not in (None, c):
            cause = "labels that are shifted or mixed up on their way into the loss, such as labels − 1"
            accuse(case, "labels", "the prediction", f"class {said} once it was taught class {c}", f"class {c}", cause)
    if not learnt:
        raise Inconclusive(f"in {TAUGHT} steps the loss does not fall by half, not even if all labels are the same")


def _said_once_taught(case: ModelCase, c: int) -> int | None:
    """The likeliest class over the batch after steps of Adam towards labels that are all c; None if that isn't learnt.

    Asked every ten steps until it is c, for predictions may lag: by running statistics, or by a biased beginning.
    """
    model, said = case.fresh(), None
    lessons = adam(model, case.x, np.full_like(case.labels, c), 1e-2)
    loss = first = next(lessons)
    for _ in range(TAUGHT // 10):
        *_, loss = loss, *islice(lessons, 10)
        if loss <= first / 2 and (said := _likeliest(model.predict(case.x))) == c:
            break
    return said


def _likeliest(probabilities: Array) -> int:
    return int(np.asarray(probabilities, np.float64).mean(axis=0).argmax())
