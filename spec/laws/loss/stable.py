"""Loss and gradient stay finite at extreme predictions within the domain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.contracts.claims import interval
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import EXTREME, has_soft_labels
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import Violation

OVERFLOW = "exp or log without the shift by the largest logit of each row (log-sum-exp)"


@law(
    "stable",
    kind="loss",
    family="numerics",
    statement="Loss and gradient stay finite at extreme predictions within the domain.",
)
def stable(case: LossCase) -> None:
    """One confident right answer and one confident wrong one, at ±1e4; rows that lie as far apart; one-hot targets."""
    for sign in (1, -1):
        bounds = interval(case.loss)
        extreme: Array = case.prediction.copy()
        extreme[:, 0] = np.clip(sign * EXTREME, *(bounds or (-EXTREME, EXTREME)))
        _stays_finite(case, extreme, f"predictions of {sign * EXTREME:g}")
        if bounds is None:
            apart: Array = case.prediction.copy()
            apart[::2] += sign * EXTREME
            _stays_finite(case, apart, f"rows of which every other one is raised by {sign * EXTREME:g}")
    if has_soft_labels(case):
        hot = np.eye(case.target.shape[-1], dtype=case.target.dtype)[case.target.argmax(axis=-1)]
        why = "the logarithm of a target that is 0: 0·log 0 counts as 0"
        _stays_finite(replace(case, target=hot), case.prediction, "one-hot targets", why)


def _stays_finite(case: LossCase, extreme: Array, what: str, why: str = OVERFLOW) -> None:
    loss = case.fresh()
    value = float(loss.forward(extreme, case.target))
    slope = loss.backward()
    if not (np.isfinite(value) and is_finite(slope)):
        raise Violation(
            "stable",
            location=case.location("forward"),
            array="loss" if not np.isfinite(value) else "d prediction",
            actual=f"{value} at {what}",
            expected="a finite number",
            cause=why,
        )
