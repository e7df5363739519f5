"""Loss and gradient must stay finite for a confident network.

It finds exp and log without the log-sum-exp shift, and 0·log 0 for targets that are 0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import EXTREME, has_soft_labels
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import Cause, Violation

OVERFLOW = Cause(
    "missing-max-shift", "often exp or log without subtracting the largest logit of each row first (log-sum-exp)"
)
EDGE = Cause(
    "log-of-zero", "often the logarithm of 0 or a division by 0 at the end of the declared domain (0·log 0 is nan); "
    "clip the prediction, or declare a domain that excludes the end"
)
ZERO_TARGET = Cause("log-of-zero-target", "often the logarithm of a target that is 0; 0·log 0 must count as 0")


@law(
    "stable",
    kind="loss",
    family="numerics",
    statement="Loss and gradient stay finite for extreme predictions within the declared domain.",
    why="exp(90) overflows in float32. A single nan in the loss makes every weight nan, usually many epochs after the "
    "start, when the network is confident.",
)
def stable(case: LossCase) -> None:
    """Set the first prediction of each sample to 1e4 and to −1e4, or to the ends of the declared domain. Without a
    declared domain, also move every second row by ±1e4. If targets are probabilities, also try one-hot targets. Loss
    and gradient must be finite.
    """
    for sign in (1, -1):
        bounds = domain_of(case.loss)
        extreme: Array = case.prediction.copy()
        first = extreme.reshape(len(extreme), -1)[:, 0]
        first[:] = np.clip(sign * EXTREME, *(bounds or (-EXTREME, EXTREME)))
        _check_finite(case, extreme, f"predictions of {first[0]:g}", OVERFLOW if bounds is None else EDGE)
        if bounds is None:
            apart: Array = case.prediction.copy()
            apart[::2] += sign * EXTREME
            _check_finite(case, apart, f"predictions with every second row moved by {sign * EXTREME:g}")
    if has_soft_labels(case):
        hot = np.eye(case.target.shape[-1], dtype=case.target.dtype)[case.target.argmax(axis=-1)]
        _check_finite(replace(case, target=hot), case.prediction, "one-hot targets", ZERO_TARGET)


def _check_finite(case: LossCase, extreme: Array, what: str, cause: Cause = OVERFLOW) -> None:
    loss = case.fresh()
    value = float(loss.forward(extreme, case.target))
    slope = loss.backward()
    if not (np.isfinite(value) and is_finite(slope)):
        raise Violation(
            "stable",
            location=case.location("forward"),
            array="the loss" if not np.isfinite(value) else "d prediction",
            actual=f"{value} for {what}" if not np.isfinite(value) else f"not finite for {what}",
            expected="a finite number" if not np.isfinite(value) else "finite numbers",
            cause=cause.text,
            cause_code=cause.code,
        )
