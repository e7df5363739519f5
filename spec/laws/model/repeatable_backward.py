"""loss_and_grads must return the gradients of its own batch, also after other calls.

Finds gradients that accumulate from call to call, and buffers that keep values of an earlier batch.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, NotApplicable

ACCUMULATED = Cause("accumulated-gradients", "loss_and_grads adds to the gradients of the previous call")
KEPT = Cause("stale-cache", "often a buffer or a cache that keeps values of an earlier batch")


@law(
    "repeatable-backward",
    kind="model",
    family="state",
    statement="loss_and_grads must return the gradients of its own batch, also after other calls.",
    why="Gradients that accumulate from step to step act like a growing learning rate, although those of the first "
    "call are right.",
    depends_on=("gradient", "registered"),
)
def repeatable_backward(case: ModelCase) -> None:
    """One model is called with the whole batch, predicts, and is called with two thirds of the batch.

    Loss and gradients of the last call equal those of a new model, within a relative error of 1e-4. Not applicable if
    new models return other losses, as with random numbers from a global generator.
    """
    x, labels = case.x, case.labels
    rows = slice(0, max(1, 2 * len(x) // 3))
    expected_loss, expected = _result(case.fresh(), x[rows], labels[rows])
    if _result(case.fresh(), x[rows], labels[rows])[0] != expected_loss:
        raise NotApplicable("the loss is random")
    used = case.fresh()
    states = used.generator_states()
    _, earlier = _result(used, x, labels)
    used.predict(x)
    loss, found = _result(used, x[rows], labels[rows])
    if used.generator_states() != states:
        raise NotApplicable("the loss is random")
    if not np.isclose(loss, expected_loss, rtol=1e-4, atol=1e-6):
        raise violation(
            case, "repeatable-backward", "loss_and_grads", "the loss of a second batch", f"{loss:.6g}",
            f"{expected_loss:.6g}, as from a new model", KEPT,
        )  # fmt: skip
    for name, gradient in expected.items():
        size = float(np.abs(gradient).max(initial=1e-30))
        wrong = ~np.isclose(found[name], gradient, rtol=1e-4, atol=1e-4 * size)
        if wrong.any():
            at = first_index(wrong)
            added = np.allclose(found[name], earlier[name] + gradient, rtol=1e-3, atol=1e-3 * size)
            raise violation(
                case, "repeatable-backward", "loss_and_grads", f"gradient of {name}",
                f"{found[name][at]:.6g} in a second call", f"{gradient[at]:.6g}, as from a new model",
                ACCUMULATED if added else KEPT, at,
            ).with_fields(parameter=name)  # fmt: skip


def _result(model: Subject, x: Array, labels: Array) -> tuple[float, dict[str, Array]]:
    """The loss, and copies of the gradients."""
    loss, grads = model.loss_and_grads(x, labels)
    return float(loss), {name: np.array(gradient, np.float64) for name, gradient in grads.items()}
