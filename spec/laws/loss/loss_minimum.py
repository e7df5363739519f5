"""The right answer costs less than a wrong one, and nothing costs less than a claimed minimum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import claim, interval, within
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import has_soft_labels
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "loss-minimum",
    kind="loss",
    family="gradient",
    statement="The right answer costs less than a wrong one, and nothing costs less than a claimed minimum.",
    depends_on=("stable",),
)
def loss_minimum(case: LossCase) -> None:
    """A clearly right answer against one that is wrong about the samples of a single class, in float64."""
    point = case.prediction.astype(np.float64)
    tried = [point, within(case.loss, -point, point)]
    for right, wrong, of in _answers(case):
        low, high = (float(case.fresh().forward(answer, case.target)) for answer in (right, wrong))
        tried += [right, wrong]
        if not low < high:
            raise Violation(
                "loss-minimum",
                location=case.location("forward"),
                array="the loss of the right answer",
                actual=f"{low:.6g}",
                expected=f"less than {high:.6g}, the loss of {of}",
                cause="the sign of the loss" if low > high else "targets that are not what the formula was made for",
            )
    least = claim(case.loss, "minimum")
    values = [float(case.fresh().forward(z, case.target)) for z in tried]
    if least is not None and min(values) < least - 1e-9 * max(1.0, abs(least)):
        raise Violation(
            "loss-minimum",
            location=case.location("forward"),
            array="the loss",
            actual=f"{min(values):.6g}",
            expected=f"at least {least:g}, as claimed",
        )


def _answers(case: LossCase) -> Iterator[tuple[Array, Array, str]]:
    """A right and a wrong prediction, both well within the claimed domain, and what is wrong about the second."""
    least, most = interval(case.loss) or (-4.0, 4.0)
    low = max(least, min(-4.0, most - 8.0))
    span = min(most, low + 8.0) - low
    targets = claim(case.loss, "targets")
    if targets == "real":
        yield *_real_answers(case), "a wrong one"
        return
    if targets == "labels":
        classes = case.prediction.shape[-1]
        if classes < 2:
            raise NotApplicable("there is one class, so no answer is wrong")
        told: Array = np.eye(classes)[case.target]
        other: Array = np.roll(told, 1, axis=1)
        parts = {f"class {c}": case.target[:, None] == c for c in np.unique(case.target)}
    else:
        told = np.round(case.target.astype(np.float64))
        other = 1 - told
        parts = {f"target {c}": told == c for c in (0, 1) if (told == c).any()}
    for words, part in parts.items():
        wrong = np.where(part, other, told)
        yield low + span * (0.1 + 0.8 * told), low + span * (0.1 + 0.8 * wrong), f"one that is wrong about {words}"


def _real_answers(case: LossCase) -> tuple[Array, Array]:
    """The target itself and one that is moved up and down; of soft labels under logits, their logarithms."""
    target: Array = case.target.astype(np.float64)
    if has_soft_labels(case):
        return np.log(np.maximum(target, 1e-6)), np.log(np.maximum(np.roll(target, 1, axis=-1), 1e-6))
    moves = 1.0 - 2.0 * (np.arange(target.shape[-1]) % 2)  # not all one way: that may mean nothing
    return target, within(case.loss, target + moves, target - moves)
