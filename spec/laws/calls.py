"""The laws of every call of an array function: cheap enough to judge each time.

A call is judged twice: before, when only its inputs are known, and after, with its outputs or the exception
that it ended in. Each judge looks at what is there.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spec.arrays import Array, first_index, is_finite
from spec.claims import claim
from spec.law import law
from spec.shapes import Contract, Dims, Mismatch, bind, expected, resolve
from spec.violation import Violation, Where

SIMPLEX_TOLERANCE = {2: 5e-3, 4: 1e-5, 8: 1e-12}
"""How far a row of probabilities may sum from 1, by the size of its floats in bytes."""


@dataclass
class Call:
    """One call: who was called with what, and how it ended.

    `outputs` and `error` are empty while the call is judged before it runs.
    """

    where: Where
    owner: object
    contract: Contract
    inputs: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def arrays(self) -> dict[str, Any]:
        """What this half of the call is judged on: the inputs before, the outputs after."""
        return self.outputs or self.inputs

    @property
    def dims(self) -> Dims:
        """The dimensions that are numbers on the owner."""
        return resolve(self.contract, self.owner)

    def violation(self, law_code: str, **fields: Any) -> Violation:
        """A violation at the place of this call."""
        return Violation(law_code, where=self.where, **fields)


@law(
    "input-untouched",
    kind="call",
    family="reproducibility",
    tier="call",
    statement="A call leaves the arrays it was handed as they were.",
)
def input_untouched(call: Call) -> None:
    """Armed objects are handed read-only views, so a write is an exception at the very line that writes."""
    if isinstance(call.error, ValueError) and "read-only" in str(call.error):
        raise call.violation(
            "input-untouched",
            array=" or ".join(call.inputs),
            actual="written to",
            expected="the caller's array as it was",
            cause="an operation in place on the argument, or on an array kept from forward; work on a copy",
        ).at(**_line_of(call.error, call.where))


@law(
    "shape",
    kind="call",
    family="shape",
    tier="call",
    statement="Inputs and outputs have the shapes of the contract; valid input raises nothing.",
    rests_on=("input-untouched",),
)
def shape(call: Call) -> None:
    """Bind both sides of the contract; names are numbers of the owner or the same throughout the call."""
    if isinstance(call.error, Violation):
        raise call.error  # someone further in has spoken already
    if call.error is not None:
        raise call.violation(
            "shape",
            array="the call",
            actual=f"ended by {type(call.error).__name__}: {call.error}",
            expected=f"an answer, as the contract {call.contract.text} promises",
        ).at(**_line_of(call.error, call.where)) from call.error
    if call.outputs:
        _as_many(call)
    dims = call.dims
    for names, sides in ((call.inputs, call.contract.inputs), (call.outputs, call.contract.outputs)):
        for (name, array), side in zip(names.items(), sides, strict=False):
            if not isinstance(array, np.ndarray):
                raise call.violation(
                    "shape", array=name, actual=f"of type {type(array).__name__}", expected="a NumPy array"
                )
            try:
                dims = bind(side, array.shape, dims)
            except Mismatch:
                raise call.violation(
                    "shape",
                    array=name,
                    actual=f"of shape {array.shape}",
                    expected=f"{expected(side, dims)} by the contract {call.contract.text}",
                ) from None


def _as_many(call: Call) -> None:
    """As many outputs as the contract has, or a single number where it has none."""
    if not call.contract.outputs:
        name, value = next(iter(call.outputs.items()))
        if np.ndim(value) or np.asarray(value).dtype.kind not in "fiu":
            found = f"an array of shape {np.shape(value)}" if np.ndim(value) else f"of type {type(value).__name__}"
            raise call.violation("shape", array=name, actual=found, expected="one number")
    elif len(call.outputs) != len(call.contract.outputs):
        raise call.violation(
            "shape",
            array="the result",
            actual=f"{len(call.outputs)} array(s)",
            expected=f"{len(call.contract.outputs)} by the contract {call.contract.text}",
        )


@law(
    "dtype",
    kind="call",
    family="shape",
    tier="call",
    statement="Floats come out as wide as they went in.",
    rests_on=("shape",),
)
def dtype(call: Call) -> None:
    """float32 in, float32 out: a silent float64 doubles memory and halves speed. Where integers go in, as wide as the
    parameters."""
    floats = [a.dtype for a in call.inputs.values() if np.issubdtype(a.dtype, np.floating)]
    whose = "the input"
    if call.inputs and not floats:
        kept = (getattr(call.owner, "params", None) or {}).values()
        floats, whose = [a.dtype for a in kept if np.issubdtype(a.dtype, np.floating)], "its parameters"
    for name, array in call.outputs.items():
        if isinstance(array, np.ndarray) and floats and array.dtype != floats[0]:
            raise call.violation(
                "dtype",
                array=name,
                actual=f"of dtype {array.dtype}",
                expected=f"{floats[0]}, the dtype of {whose}",
                cause="a float64 constant array, a default dtype, or an integer input or result",
            )


@law(
    "finite",
    kind="call",
    family="output range",
    tier="call",
    statement="No number is nan or infinite.",
    rests_on=("shape",),
)
def finite(call: Call) -> None:
    """Check with one dot product, look for the culprit only on failure, and blame the root."""
    if all(_sound(array) for array in call.arrays.values()):
        return
    for name, array in (call.inputs | call.outputs).items():
        if not _sound(array):
            at = first_index(~np.isfinite(array))
            raise call.violation(
                "finite",
                array=name,
                index=at or None,
                actual=f"{np.asarray(array)[at]}",
                expected="a finite number",
                cause=_broken_parameter(call.owner),
            )


def _sound(array: Any) -> bool:
    return not np.issubdtype(np.asarray(array).dtype, np.floating) or is_finite(np.asarray(array))


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


def _broken_parameter(owner: object) -> str:
    """The first parameter of `owner` with a nan or infinite entry, as the root of what followed."""
    for name, array in (getattr(owner, "params", None) or {}).items():
        if not is_finite(array):
            at = first_index(~np.isfinite(array))
            return f"{name}[{', '.join(map(str, at))}] = {array[at]}"
    return ""


def _line_of(error: Exception, where: Where) -> dict[str, Any]:
    """The line at which `error` left the file of `where`; its innermost frame in that file."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == where.file]
    return {"line": frames[-1].lineno} if frames else {}


def named_outputs(names: tuple[str, ...], result: Any) -> dict[str, Array]:
    """Pair what a call returned with the names of the contract's outputs; a contract without any promises a number."""
    names = names or ("result",)
    results = result if isinstance(result, tuple) and len(names) > 1 else (result,)
    return dict(zip(names, results, strict=False))
