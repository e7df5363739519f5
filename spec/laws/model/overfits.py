"""A tiny batch can be learnt by heart."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import HEART_STEPS, adam
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation


@law(
    "overfits",
    kind="model",
    family="gradient",
    statement="A tiny batch can be learnt by heart.",
    depends_on=("gradient", "labels", "symmetry", "train-eval", "live-units", "vanishing-gradient"),
)
def overfits(case: ModelCase) -> None:
    """Adam on one fixed batch, at three learning rates, until every sample is predicted right."""
    first = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    best = first
    for rate in (1e-2, 1e-3, 1e-1):
        model = case.fresh()
        for loss in adam(model, case.x, case.labels, rate):
            best = min(best, loss)
        if (model.predict(case.x).argmax(axis=1) == case.labels).all():
            return
    raise Violation(
        "overfits",
        location=case.location("loss_and_grads"),
        array=f"the loss of a batch of {len(case.x)}",
        actual=f"{best:.4g} at best after {HEART_STEPS} steps, from {first:.4g}",
        expected="every sample predicted right",
        cause="a layer that passes nothing on, or labels that do not match",
    )
