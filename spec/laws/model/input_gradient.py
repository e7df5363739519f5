"""input_gradient must return the gradient of the mean loss with respect to the input, and leave training unchanged.

Finds a derivative that is left out, a missing division by N, dropout in evaluation mode, and layers left in it.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import check_training_unchanged, trains_as_it_evaluates, violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

STEP, TOLERANCE = 1e-5, 1e-3  # of the central differences, in float64; the tolerance is relative
DIRECTIONS = 3  # in which the slope is measured
SAMPLES = 4

RANDOM = Cause("random-in-evaluation", "often dropout in evaluation mode, or running statistics that are updated")
NOT_THE_MEAN = Cause("not-the-mean", "often batch statistics, or a missing division by the batch size")


@law(
    "input-gradient",
    kind="model",
    family="gradient",
    statement="input_gradient must return the gradient of the mean loss with respect to the input in evaluation mode, "
    "and leave training unchanged.",
    why="Adversarial training and saliency maps use this gradient. With a wrong one an attack fails, and the network "
    "looks more robust than it is.",
    depends_on=("gradient", "train-eval", "independent-samples", "loss-mean"),
)
def input_gradient(case: ModelCase) -> None:
    """On four samples: two calls give equal gradients, and each sample alone gives N times its row in the batch.

    The training loss after a call is that without it. If the loss in evaluation mode is available, as `mean_loss` or
    because training computes the same, central differences in float64 along three random directions agree with a
    relative tolerance of 1e-3.
    """
    if not case.model.has("input_gradient"):
        raise NotApplicable("the model has no input_gradient")
    model, x, labels = case.fresh(), case.x[:SAMPLES], case.labels[:SAMPLES]
    gradient = np.array(model.call("input_gradient", x, labels))
    if gradient.shape != x.shape:
        raise _violation(case, f"of shape {gradient.shape}", f"{x.shape}, that of the input")
    if not np.array_equal(model.call("input_gradient", x, labels), gradient):
        raise _violation(case, "different in a second call", "equal", RANDOM)
    rows = [(x[i : i + 1], labels[i : i + 1]) for i in range(len(x))]
    alone = np.concatenate([model.call("input_gradient", *row) for row in rows]) / len(x)
    if not np.allclose(gradient, alone, rtol=1e-3, atol=1e-5 * float(np.abs(alone).max())):
        raise _violation(case, "different in a batch", "that of each sample alone, divided by N", NOT_THE_MEAN)
    check_training_unchanged(case, "input-gradient", "input_gradient", model, x, labels)
    if case.model.has("mean_loss") or trains_as_it_evaluates(case, x, labels):
        _compare_with_finite_differences(case, x.astype(np.float64), labels)


def _compare_with_finite_differences(case: ModelCase, x: Array, labels: Array) -> None:
    model, rng = in_float64(case.model), case.rng
    gradient = np.array(model.call("input_gradient", x, labels), np.float64)
    for direction in rng.standard_normal((DIRECTIONS, *x.shape)):
        high, low = (_loss(model.copy(), x + h * direction, labels) for h in (STEP, -STEP))
        actual, expected = float(np.vdot(gradient, direction)), (high - low) / (2 * STEP)
        if abs(actual - expected) > TOLERANCE * max(abs(expected), float(np.linalg.norm(gradient)), 1e-6):
            raise _violation(case, f"{actual:.6g} along a random direction", f"{expected:.6g}").with_fields(
                reference="finite differences"
            )


def _loss(model: Subject, x: Array, labels: Array) -> float:
    return float(model.call("mean_loss", x, labels) if model.has("mean_loss") else model.loss_and_grads(x, labels)[0])


def _violation(case: ModelCase, actual: str, expected: str, cause: Cause = NO_CAUSE) -> Violation:
    return violation(case, "input-gradient", "input_gradient", "∂L/∂x", actual, expected, cause)
