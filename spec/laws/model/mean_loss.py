"""mean_loss is the mean of the losses of the samples in eval mode; training goes on as before."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import plain
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NotApplicable, Violation

MANY, FEW = 1200, 300  # of one sample, then of another: more than is evaluated at a time, and unlike at the end


@law(
    "mean-loss",
    kind="model",
    family="numerics",
    statement="mean_loss is the mean of the losses of the samples in eval mode; training goes on as before.",
    depends_on=("gradient", "train-eval", "independent-samples", "loss-mean"),
)
def mean_loss(case: ModelCase) -> None:
    """The same twice over; that of two samples in any number; and that of training, where it computes the same."""
    if not hasattr(case.model, "mean_loss"):
        raise NotApplicable("the model has no mean_loss")
    model, x, labels = case.fresh(), case.x, case.labels
    value = float(model.mean_loss(x, labels))
    if float(again := model.mean_loss(x, labels)) != value:
        _accuse(case, f"{again:.6g} the next time", f"{value:.6g}, as the first time", "dropout in eval mode")
    _of_many(case, model)
    one, two, after = (float(m.loss_and_grads(x, labels)[0]) for m in (case.fresh(), case.fresh(), model))
    if one == two and not np.isclose(after, one, rtol=1e-3, atol=1e-6):
        _accuse(case, f"followed by a loss of {after:.6g}", f"{one:.6g}, as without it", "layers left in eval mode")
    if one == two and plain(case, x, labels) and not np.isclose(value, one, rtol=1e-4, atol=1e-6):
        _accuse(case, f"{value:.6g}", f"{one:.6g}, as in training, which here is the same", "")


def _of_many(case: ModelCase, model: Any) -> None:
    first, second = (float(model.mean_loss(case.x[i : i + 1], case.labels[i : i + 1])) for i in (0, 1))
    rows = np.repeat([0, 1], [MANY, FEW])
    found, wanted = float(model.mean_loss(case.x[rows], case.labels[rows])), (MANY * first + FEW * second) / len(rows)
    if not np.isclose(found, wanted, rtol=1e-3, atol=1e-6):
        actual, expected = f"{found:.6g} for {len(rows)} samples", f"{wanted:.6g}, the mean of theirs"
        _accuse(case, actual, expected, "a mean of means of parts that are not equally large, or batch statistics")


def _accuse(case: ModelCase, actual: str, expected: str, cause: str) -> None:
    location = case.location("mean_loss")
    raise Violation("mean-loss", location=location, array="mean_loss", actual=actual, expected=expected, cause=cause)
