"""The laws of what a network needs in order to learn: units that answer, gradients that reach every layer, and a tiny
batch that can be learnt by heart."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import HEART_STEPS, adam, stepped
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import DoesNotApply, Violation, Where

DEAD = 0.9  # more than this share of constant units and a layer hardly computes
VANISHED = 1e-5  # six sigmoids in a row leave 1e-3 and still learn; twelve leave 1e-6 and don't


@law(
    "live-units",
    kind="model",
    family="convergence",
    statement="No layer is dead: more than a tenth of its units answer differently to different inputs.",
)
def live_units(case: ModelCase) -> None:
    """A unit whose output is the same for every sample is dead: no gradient revives it."""
    model = case.fresh()
    if not hasattr(model, "activations"):
        raise DoesNotApply("the model does not show its activations")
    for path, output in model.activations(case.x).items():
        flat = output.reshape(len(output), -1)
        dead = float((flat == flat[0]).all(axis=0).mean())
        if dead > DEAD:
            raise Violation(
                "live-units",
                where=Where(path, "forward"),
                array="the output",
                actual=f"constant in {dead:.0%} of its units over {len(flat)} samples",
                expected=f"at most {DEAD:.0%} dead units",
                cause="ReLUs that never answer: after a step that was too long, or with biases far below zero; lower "
                "the learning rate, or use leaky_relu",
            )


@law(
    "vanishing-gradient",
    kind="model",
    family="convergence",
    statement="Gradients reach every layer: relative to the weights, none is 100,000 times weaker than another.",
    rests_on=("gradient", "symmetry"),
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
        raise DoesNotApply("no weight matrix has a gradient")
    weak, strong = min(pulls, key=pulls.__getitem__), max(pulls, key=pulls.__getitem__)
    if pulls[weak] < VANISHED * pulls[strong]:
        raise Violation(
            "vanishing-gradient",
            where=case.where("loss_and_grads"),
            array=f"the gradient of {weak}, relative to its weights,",
            actual=f"{pulls[weak]:.2g}, that of {strong} {pulls[strong]:.2g}",
            expected=f"at least {VANISHED:g} of the strongest",
            cause="many sigmoids or tanhs that saturate, each passing a quarter or less of the gradient on; use relu, "
            "batchnorm or residual blocks, or fewer layers",
        )


@law(
    "overfits",
    kind="model",
    family="convergence",
    statement="A tiny batch can be learnt by heart.",
    rests_on=("gradient", "labels", "symmetry", "train-eval", "live-units", "vanishing-gradient"),
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
        where=case.where("loss_and_grads"),
        array=f"the loss of a batch of {len(case.x)}",
        actual=f"{best:.4g} at best after {HEART_STEPS} steps, from {first:.4g}",
        expected="every sample predicted right",
        cause="a layer that passes nothing on, or labels that do not match",
    )
