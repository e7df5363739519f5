"""Inputs and outputs have the shapes of the contract; valid input raises nothing."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.shapes import Mismatch, bind, expected
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import line_of
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.violation import Violation, counted


@law(
    "shape",
    kind="call",
    family="shape",
    tier="call",
    statement="Inputs and outputs have the shapes of the contract; valid input raises nothing.",
    depends_on=("input-untouched",),
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
        ).at(**line_of(call.error, call.location)) from call.error
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
