"""A correct prediction must have a smaller loss than a wrong one.

It finds a wrong sign that loss and gradient share, targets read in another form than the formula needs, and losses
below the declared minimum.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, domain_of, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import has_soft_labels
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "loss-minimum",
    kind="loss",
    family="learning",
    statement="A correct prediction has a smaller loss than a wrong one, and no loss is below the declared minimum.",
    why="If loss and gradient share a wrong sign, the gradient check passes and training maximizes the error.",
    depends_on=("stable",),
)
def loss_minimum(case: LossCase) -> None:
    """Compare the loss of a clearly correct prediction with one that is wrong for the samples of a single class, for
    each class, in float64. If a `minimum` is declared, no loss computed here may be below it.
    """
    point = case.prediction.astype(np.float64)
    tried = [point, inside_domain(case.loss, -point, point)]
    for right, wrong, description in _predictions(case):
        low, high = (float(case.fresh().forward(prediction, case.target)) for prediction in (right, wrong))
        tried += [right, wrong]
        if not low < high:
            flipped = low > high
            raise Violation(
                "loss-minimum",
                location=case.location("forward"),
                array="the loss of a correct prediction",
                actual=f"{low:.6g}",
                expected=f"less than {high:.6g}, the loss of {description}",
                cause="often a wrong sign" if flipped else "often targets in another form than the formula needs",
                cause_code="wrong-sign" if flipped else "wrong-target-form",
            )
    least = declared_value(case.loss, "minimum")
    values = [float(case.fresh().forward(z, case.target)) for z in tried]
    if least is not None and min(values) < least - 1e-9 * max(1.0, abs(least)):
        raise Violation(
            "loss-minimum",
            location=case.location("forward"),
            array="the loss",
            actual=f"{min(values):.6g}",
            expected=f"at least {least:g}, the declared minimum",
        )


def _predictions(case: LossCase) -> Iterator[tuple[Array, Array, str]]:
    """A correct and a wrong prediction, both well within the declared domain, and a description of the second."""
    least, most = domain_of(case.loss) or (-4.0, 4.0)
    low = max(least, min(-4.0, most - 8.0))
    span = min(most, low + 8.0) - low
    targets = declared_value(case.loss, "targets")
    if targets == "real":
        yield *_real_predictions(case), "a wrong one"
        return
    if targets == "labels":
        classes = case.prediction.shape[-1]
        if classes < 2:
            raise NotApplicable("there is only one class")
        hot: Array = np.eye(classes)[case.target]
        other: Array = np.roll(hot, 1, axis=1)
        parts = {f"class {c}": case.target[:, None] == c for c in np.unique(case.target)}
    else:
        hot = np.round(case.target.astype(np.float64))
        other = 1 - hot
        parts = {f"target {c}": hot == c for c in (0, 1) if (hot == c).any()}
    for words, part in parts.items():
        wrong = np.where(part, other, hot)
        yield low + span * (0.1 + 0.8 * hot), low + span * (0.1 + 0.8 * wrong), f"one that is wrong for {words}"


def _real_predictions(case: LossCase) -> tuple[Array, Array]:
    """The target itself and one moved up and down; for soft labels on logits, the logarithms of both."""
    target: Array = case.target.astype(np.float64)
    if has_soft_labels(case):
        return np.log(np.maximum(target, 1e-6)), np.log(np.maximum(np.roll(target, 1, axis=-1), 1e-6))
    moves = 1.0 - 2.0 * (np.arange(target.shape[-1]) % 2)  # in both directions: a common shift may change nothing
    return target, inside_domain(case.loss, target + moves, target - moves)
