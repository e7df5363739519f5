"""Gradients must reach every layer, and the input the output.

Finds many saturating layers in a row, each of which weakens the gradient, and initial weights that are too small.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import after_three_steps
from nnlaw.spec.laws.model._shared import violation, wrong_scale
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, NotApplicable

MIN_RATIO = 1e-5  # six sigmoid layers in a row leave 1e-3 and still learn; twelve leave 1e-6 and don't
MIN_DIFFERENCE = 1e-5  # float32 resolves 1e-7; a network that starts at 1e-4 still learns

CAUSE = Cause(
    "saturating-activations",
    "often many sigmoid or tanh layers that saturate; use relu, batchnorm or residual blocks, or fewer layers",
)


@law(
    "vanishing-gradient",
    kind="model",
    family="learning",
    statement="Gradients must reach every layer: relative to the weights, the smallest must be at least 1e-5 of the "
    "largest; and small weights must not make the predictions independent of the input.",
    why="A layer whose gradient is tiny keeps its random initial weights, however long the network trains. Its "
    "gradient is correct, so a gradient check does not find it.",
    depends_on=("gradient", "symmetry"),
)
def vanishing_gradient(case: ModelCase) -> None:
    """‖dW‖ / ‖W‖ of every weight matrix on the batch, after three plain gradient steps, as a last layer may start at 0.

    The smallest ratio must be at least 1e-5 of the largest. Gradients of exactly 0 are left out: they belong to unused
    features, or to layers below weights that are 0 on purpose. If weights are less than a tenth of those of He
    initialization, the log probabilities of different samples must differ by more than 1e-5.
    """
    model = after_three_steps(case)
    _, grads = model.loss_and_grads(case.x, case.labels)
    ratios = {}
    for name, array in model.params.items():
        slope, length = (float(np.linalg.norm(np.asarray(a, np.float64))) for a in (grads[name], array))
        if np.ndim(array) > 1 and slope > 0 and length > 0:
            ratios[name] = slope / length
    if not ratios:
        raise NotApplicable("no weight matrix has a gradient")
    _check_dependence(case, model)
    weak, strong = min(ratios, key=ratios.__getitem__), max(ratios, key=ratios.__getitem__)
    if ratios[weak] < MIN_RATIO * ratios[strong]:
        actual = f"{ratios[weak]:.2g} (that of {strong} is {ratios[strong]:.2g})"
        expected = f"at least {MIN_RATIO:g} of the largest"
        raise violation(
            case, "vanishing-gradient", "loss_and_grads", f"‖d{weak}‖ / ‖{weak}‖", actual, expected, CAUSE
        ).with_fields(parameter=weak)


def _check_dependence(case: ModelCase, model: Subject) -> None:
    """Raise a violation if weights are too small and predictions for different samples are equal, up to roundoff."""
    scale = wrong_scale(case.fresh())
    if scale is None or scale.code != "small-initial-weights" or (case.x == case.x[0]).all():
        return
    log_p = np.log(np.maximum(np.asarray(model.predict(case.x), np.float64), 1e-30))
    if (difference := float(np.ptp(log_p, axis=0).max())) < MIN_DIFFERENCE:
        array = "the largest difference of log probabilities between samples"
        actual, expected = f"{difference:.2g} after 3 steps", f"more than {MIN_DIFFERENCE:g}"
        raise violation(case, "vanishing-gradient", "predict", array, actual, expected, scale)
