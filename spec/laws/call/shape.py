"""Inputs and outputs must have the shapes of the contract, and valid input must raise no exception.

Finds a sum over the wrong axis, a lost dimension, and code that only works for one batch size.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.contracts.shapes import Mismatch, bind, expected_shape
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import line_of
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.traceback_location import cause_of
from nnlaw.spec.violation import Violation, counted


@law(
    "shape",
    kind="call",
    family="shape",
    tier="call",
    statement="Inputs and outputs must have the shapes of the contract, and valid input must raise no exception.",
    why="NumPy broadcasts arrays of unequal shapes without a warning: (N, 1) minus (N,) is (N, N), and training "
    "continues with wrong numbers.",
    depends_on=("input-untouched",),
)
def shape(call: Call) -> None:
    """Inputs and outputs are NumPy arrays and match the contract, such as "N n_in -> N n_out".

    A name is the number of that attribute of the layer, else the same number wherever it appears in the call. A
    contract without outputs promises a single number.
    """
    if isinstance(call.error, Violation):
        raise call.error  # a layer inside this one has reported it already
    if call.error is not None:
        cause = cause_of(call.error)
        raise call.violation(
            "shape",
            actual=f"raised {type(call.error).__name__}: {text_of(call.error)}",
            expected=f"no exception: the input fits the contract {call.contract.text}",
            cause=cause,
            cause_code="exception" if cause else "",
        ).at(**line_of(call.error, call.location)) from call.error
    if call.outputs:
        _check_count(call)
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
                    expected=f"{expected_shape(side, dims)} by the contract {call.contract.text}",
                ) from None


def _check_count(call: Call) -> None:
    """As many outputs as the contract has, or a single number if it has no output."""
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
