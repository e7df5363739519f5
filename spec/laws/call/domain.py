"""Inputs must lie where the operation is defined.

Finds negative numbers before a logarithm, labels that count from 1, and probabilities given to a loss that expects
logits.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import SIMPLEX_TOLERANCE, check_interval


@law(
    "domain",
    kind="call",
    family="domain",
    tier="call",
    statement="Inputs must lie where the operation is defined.",
    why="Outside its domain an operation returns NaN or, worse, a plausible wrong number. With probabilities in place "
    "of logits, for example, a network still trains, only slowly.",
    depends_on=("shape", "finite"),
)
def domain(call: Call) -> None:
    """Before the call, the first input is compared with the declared domain, an interval or "logits".

    Targets of a loss must be integers in [0, C) for "labels" and numbers in [0, 1] for "binary"; the batch must not be
    empty. "logits" excludes a batch in which every row is non-negative and sums to 1.
    """
    if call.outputs or call.error:
        return
    first = next(iter(call.inputs))
    declared = declared_value(call.owner, "domain")
    if declared == "logits":
        _check_logits(call, first)
    elif declared is not None:
        check_interval(call, first, declared, "domain")
    if "target" in call.inputs:
        if not len(call.inputs["target"]):
            raise call.violation(
                "domain", array="the batch", actual="empty", expected="at least one sample (the loss is a mean)"
            )
        _check_target(call, declared_value(call.owner, "targets"))


def _check_logits(call: Call, name: str) -> None:
    logits = call.inputs[name]
    if not logits.size or logits.shape[-1] < 2 or (logits < 0).any():
        return
    if np.allclose(logits.sum(axis=-1), 1, rtol=0, atol=SIMPLEX_TOLERANCE[logits.dtype.itemsize]):
        raise call.violation(
            "domain",
            array=name,
            actual="a batch of probabilities (every row is non-negative and sums to 1)",
            expected="logits, any real numbers",
            cause="often a softmax layer before a loss that applies softmax itself; remove the softmax layer",
            cause_code="softmax-before-logits-loss",
        )


def _check_target(call: Call, targets: str) -> None:
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
                cause="often labels that count from 1, or fewer outputs than classes",
                cause_code="label-out-of-range",
            )
    elif targets == "binary":
        check_interval(call, "target", (0.0, 1.0), "domain")
