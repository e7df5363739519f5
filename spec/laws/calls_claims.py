"""The laws of a call for what is claimed of it: where its inputs lie, and its outputs; which rows are probabilities."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law

SIMPLEX_TOLERANCE = {2: 5e-3, 4: 1e-5, 8: 1e-12}
"""How far a row of probabilities may sum from 1, by the size of its floats in bytes."""


@law(
    "domain",
    kind="call",
    family="domain",
    tier="call",
    statement="Inputs lie where the operation is defined: judged before it runs.",
    rests_on=("shape", "finite"),
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
        _interval(call, first, claimed, "domain")
    if "target" in call.inputs:
        if not len(call.inputs["target"]):
            raise call.violation(
                "domain", array="the batch", actual="empty", expected="at least one sample, for the loss is a mean"
            )
        _target(call, claim(call.owner, "targets"))


def _interval(call: Call, name: str, claimed: tuple[float, float], code: str) -> None:
    array = call.arrays[name]
    outside = ~((array >= claimed[0]) & (array <= claimed[1]))
    if outside.any():
        at = first_index(outside)
        raise call.violation(
            code,
            array=name,
            index=at,
            actual=f"{array[at]:.6g}",
            expected=f"a number in [{claimed[0]:g}, {claimed[1]:g}]",
        )


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
        _interval(call, "target", (0.0, 1.0), "domain")


@law(
    "simplex",
    kind="call",
    family="output range",
    tier="call",
    statement="Rows that are claimed to be probabilities are non-negative and sum to 1.",
    rests_on=("shape", "finite"),
)
def rows_sum_to_one(call: Call) -> None:
    """Sum over the last axis, in float64, against a tolerance that fits the dtype."""
    for name, array in call.outputs.items():
        sums = array.sum(axis=-1, dtype=np.float64)
        tolerance = SIMPLEX_TOLERANCE[array.dtype.itemsize] if array.dtype.kind == "f" else 0.0
        off = np.abs(sums - 1) > tolerance
        if off.any():
            at = first_index(off)
            raise call.violation(
                "simplex",
                array=f"{name} row",
                index=at,
                actual=f"summing to {sums[at]:.6g}",
                expected="sum 1",
                cause="a softmax that is not normalized, or normalized over the wrong axis",
            )
        if (array < 0).any():
            at = first_index(array < 0)
            raise call.violation(
                "simplex", array=name, index=at, actual=f"{array[at]:.6g}", expected="a probability, at least 0"
            )


@law(
    "range",
    kind="call",
    family="output range",
    tier="call",
    statement="Outputs lie within the range that is claimed for them.",
    rests_on=("shape", "finite"),
)
def within_range(call: Call) -> None:
    """The claim is `range = (low, high)`, ends included."""
    claimed = claim(call.owner, "range")
    if claimed is not None and call.where.method != "backward":
        for name in call.outputs:
            _interval(call, name, claimed, "range")
