"""input_gradient is the slope of the mean loss by the input, in eval mode; training goes on as before."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import plain
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.copies import copy_with_generators
from nnlaw.spec.violation import NotApplicable, Violation

H, CLOSE = 1e-5, 1e-3  # how far to either side, in float64; and the relative error that is granted
WAYS = 3  # directions in which the slope is measured
FEW = 4  # samples


@law(
    "input-gradient",
    kind="model",
    family="gradient",
    statement="input_gradient is the slope of the mean loss by the input, in eval mode; training goes on as before.",
    depends_on=("gradient", "train-eval", "independent-samples", "loss-mean"),
)
def input_gradient(case: ModelCase) -> None:
    """The same twice over, and of each sample alone; where training computes the same loss, by finite differences."""
    if not hasattr(case.model, "input_gradient"):
        raise NotApplicable("the model has no input_gradient")
    model, x, labels = case.fresh(), case.x[:FEW], case.labels[:FEW]
    slope = np.array(model.input_gradient(x, labels))
    if slope.shape != x.shape:
        _accuse(case, f"of shape {slope.shape}", f"{x.shape}, as the input")
    if not np.array_equal(model.input_gradient(x, labels), slope):
        _accuse(case, "another one the next time", "the same", "dropout, or running statistics that are updated")
    alone = np.concatenate([model.input_gradient(x[i : i + 1], labels[i : i + 1]) for i in range(len(x))]) / len(x)
    if not np.allclose(slope, alone, rtol=1e-3, atol=1e-5 * float(np.abs(alone).max())):
        _accuse(case, "another one in a batch", "that of each sample alone, over N", "batch statistics, or no mean")
    one, two, after = (float(m.loss_and_grads(x, labels)[0]) for m in (case.fresh(), case.fresh(), model))
    if one == two and not np.isclose(after, one, rtol=1e-3, atol=1e-6):
        _accuse(case, f"followed by a loss of {after:.6g}", f"{one:.6g}, as without it", "layers left in eval mode")
    if hasattr(case.model, "mean_loss") or plain(case, x, labels):
        _measured(case, x.astype(np.float64), labels)


def _measured(case: ModelCase, x: Array, labels: Array) -> None:
    model, rng = in_float64(case.model), case.rng
    slope = np.array(model.input_gradient(x, labels), np.float64)
    for way in rng.standard_normal((WAYS, *x.shape)):
        high, low = (_loss(copy_with_generators(model)[0], x + h * way, labels) for h in (H, -H))
        found, wanted = float(np.vdot(slope, way)), (high - low) / (2 * H)
        if abs(found - wanted) > CLOSE * max(abs(wanted), float(np.linalg.norm(slope)), 1e-6):
            _accuse(case, f"{found:.6g} along a random direction", f"{wanted:.6g}, measured by finite differences")


def _loss(model: Any, x: Array, labels: Array) -> float:
    return float(model.mean_loss(x, labels) if hasattr(model, "mean_loss") else model.loss_and_grads(x, labels)[0])


def _accuse(case: ModelCase, actual: str, expected: str, cause: str = "") -> None:
    location = case.location("input_gradient")
    raise Violation("input-gradient", location=location, array="∂L/∂x", actual=actual, expected=expected, cause=cause)
