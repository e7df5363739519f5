"""The laws of every call of an array function: cheap enough to judge each time.

A call is judged twice: before, when only its inputs are known, and after, with its outputs or the exception
that it ended in. Each judge looks at what is there.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.shapes import Mismatch, bind, expected
from nnlaw.spec.law import law
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.violation import Violation, Where, counted, entry


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
            cause=cause_of(call.error),
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
            actual=counted(len(call.outputs), "array"),
            expected=f"{len(call.contract.outputs)} by the contract {call.contract.text}",
        )


def _line_of(error: Exception, where: Where) -> dict[str, Any]:
    """The line at which `error` left the file of `where`; its innermost frame in that file."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == where.file]
    return {"line": frames[-1].lineno} if frames else {}


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


def _broken_parameter(owner: object) -> str:
    """The first parameter of `owner` with a nan or infinite entry, as the root of what followed."""
    for name, array in (getattr(owner, "params", None) or {}).items():
        if not is_finite(array):
            at = first_index(~np.isfinite(array))
            return f"{entry(name, at)} = {array[at]}"
    return ""
