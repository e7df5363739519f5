"""Gradients reach every layer: relative to the weights, none is 100,000 times weaker than another."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import stepped
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NotApplicable, Violation

VANISHED = 1e-5  # six sigmoids in a row leave 1e-3 and still learn; twelve leave 1e-6 and don't


@law(
    "vanishing-gradient",
    kind="model",
    family="gradient",
    statement="Gradients reach every layer: relative to the weights, none is 100,000 times weaker than another.",
    depends_on=("gradient", "symmetry"),
)
def vanishing_gradient(case: ModelCase) -> None:
    """‖dW‖/‖W‖ of each weight matrix, after three plain steps, for a last layer may begin at zero.

    A gradient of exactly zero is none that vanishes: of an unused feature, or below weights that are zero on purpose.
    """
    model = stepped(case)
    _, grads = model.loss_and_grads(case.x, case.labels)
    pulls = {}
    for name, array in model.params.items():
        slope, length = (float(np.linalg.norm(np.asarray(a, np.float64))) for a in (grads[name], array))
        if np.ndim(array) > 1 and slope > 0 and length > 0:
            pulls[name] = slope / length
    if not pulls:
        raise NotApplicable("no weight matrix has a gradient")
    weak, strong = min(pulls, key=pulls.__getitem__), max(pulls, key=pulls.__getitem__)
    if pulls[weak] < VANISHED * pulls[strong]:
        raise Violation(
            "vanishing-gradient",
            location=case.location("loss_and_grads"),
            array=f"the gradient of {weak}, relative to its weights,",
            actual=f"{pulls[weak]:.2g}, that of {strong} {pulls[strong]:.2g}",
            expected=f"at least {VANISHED:g} of the strongest",
            cause="many sigmoids or tanhs that saturate, each passing a quarter or less of the gradient on; use relu, "
            "batchnorm or residual blocks, or fewer layers",
        )
