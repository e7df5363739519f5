"""Inputs lie where the operation is defined: judged before it runs."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import SIMPLEX_TOLERANCE, check_interval


@law(
    "domain",
    kind="call",
    family="domain",
    tier="call",
    statement="Inputs lie where the operation is defined: judged before it runs.",
    depends_on=("shape", "finite"),
)
def domain(call: Call) -> None:
    """Claimed intervals for inputs, [0, C) for labels, [0, 1] for binary targets, logits for logit losses."""
    if call.outputs or call.error:
        return
    first = next(iter(call.inputs))
    claimed = claim(call.owner, "domain")
    if claimed == "logits":
        _logits(call, first)
    elif claimed is not None:
        check_interval(call, first, claimed, "domain")
    if "target" in call.inputs:
        if not len(call.inputs["target"]):
            raise call.violation(
                "domain", array="the batch", actual="empty", expected="at least one sample, for the loss is a mean"
            )
        _target(call, claim(call.owner, "targets"))


def _logits(call: Call, name: str) -> None:
    """Refuse probabilities where logits are due: every row non-negative with sum 1 is no accident."""
    logits = call.inputs[name]
    if not logits.size or logits.shape[-1] < 2 or (logits < 0).any():
        return
    if np.allclose(logits.sum(axis=-1), 1, rtol=0, atol=SIMPLEX_TOLERANCE[logits.dtype.itemsize]):
        raise call.violation(
            "domain",
            array=name,
            actual="probabilities: every row is non-negative and sums to 1",
            expected="logits, any real numbers",
            cause="a softmax before a loss that applies its own; drop the softmax layer",
        )


def _target(call: Call, targets: str) -> None:
    target = call.inputs["target"]
    if targets == "labels":
        classes = call.inputs["prediction"].shape[-1]
        if not np.issubdtype(target.dtype, np.integer):
            raise call.violation(
                "domain", array="target", actual=f"of dtype {target.dtype}", expected="integer labels"
            )
        wrong = (target < 0) | (target >= classes)
        if wrong.any():
            at = first_index(wrong)
            raise call.violation(
                "domain",
                array="target",
                index=at,
                actual=str(target[at]),
                expected=f"a label in [0, {classes})",
                cause="labels that count from 1, or fewer outputs than classes",
            )
    elif targets == "binary":
        check_interval(call, "target", (0.0, 1.0), "domain")
