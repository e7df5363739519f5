"""A model must be able to overfit a tiny batch.

Finds layers that lose the input, gradients that reach no weights, and labels that do not belong to the samples.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import MAX_STEPS, train
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause

CAUSE = Cause("cannot-overfit", "often a layer that passes nothing on, or labels of other samples")


@law(
    "overfits",
    kind="model",
    family="learning",
    statement="A model must be able to overfit a tiny batch.",
    why="This is the cheapest test of a whole network: one that can't memorize 20 samples won't learn from 60,000. It "
    "takes seconds and fails for nearly every serious bug.",
    depends_on=("gradient", "labels", "symmetry", "train-eval", "live-units", "vanishing-gradient"),
)
def overfits(case: ModelCase) -> None:
    """Up to 400 steps of Adam on the batch with learning rates of 0.01, 0.001 and 0.1, each on a new copy.

    With one of them every sample must be predicted correctly.
    """
    first = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    best = first
    for rate in (1e-2, 1e-3, 1e-1):
        model = case.fresh()
        for loss in train(model, case.x, case.labels, rate):
            best = min(best, loss)
        if (model.predict(case.x).argmax(axis=1) == case.labels).all():
            return
    array = f"the loss of a batch of {len(case.x)} samples"
    actual = f"{best:.4g} at best after {MAX_STEPS} steps, from {first:.4g}"
    raise violation(case, "overfits", "loss_and_grads", array, actual, "every sample predicted correctly", CAUSE)
