"""Prediction is deterministic: in eval mode, nothing drawn and nothing changed, training left as it was."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "train-eval",
    kind="model",
    family="state",
    statement="Prediction is deterministic: in eval mode, nothing drawn and nothing changed, training left as it was.",
)
def train_eval(case: ModelCase) -> None:
    """The same batch several times from one model; then the loss, against that of a model that never predicted."""
    model = case.fresh()
    first = np.array(model.predict(case.x))
    for _ in range(3):
        again = model.predict(case.x)
        if not np.array_equal(again, first):
            at = first_index(again != first)
            cause = "dropout, or running statistics that are updated, while predicting"
            found, wanted = f"{again[at]:.6g} the next time", f"{first[at]:.6g}, as the first time"
            accuse(case, "train-eval", "probabilities", found, wanted, cause, at)
    one, two, after = (float(m.loss_and_grads(case.x, case.labels)[0]) for m in (case.fresh(), case.fresh(), model))
    if one == two and not np.isclose(after, one, rtol=1e-3, atol=1e-6):
        cause = "predict leaves the layers in eval mode: what comes after trains without dropout"
        accuse(case, "train-eval", "the loss after a prediction", f"{after:.6g}", f"{one:.6g}, as without one", cause)
