"""Outputs must have the dtype of the inputs.

Finds float64 constants and default dtypes that turn a float32 network into a float64 one.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law


@law(
    "dtype",
    kind="call",
    family="shape",
    tier="call",
    statement="Outputs must have the dtype of the inputs.",
    why="One float64 array makes every layer after it compute in float64: twice the memory, half the speed, and no "
    "error message.",
    depends_on=("shape",),
)
def dtype(call: Call) -> None:
    """Every output has the dtype of the first floating-point input: float32 in, float32 out.

    If all inputs are integers, as token indices are, the dtype of the first floating-point parameter is expected.
    """
    floats = [a.dtype for a in call.inputs.values() if np.issubdtype(a.dtype, np.floating)]
    source = "the input"
    if call.inputs and not floats:
        params = (getattr(call.owner, "params", None) or {}).values()
        floats, source = [a.dtype for a in params if np.issubdtype(a.dtype, np.floating)], "its parameters"
    for name, array in call.outputs.items():
        if isinstance(array, np.ndarray) and floats and array.dtype != floats[0]:
            raise call.violation(
                "dtype",
                array=name,
                actual=f"of dtype {array.dtype}",
                expected=f"{floats[0]}, the dtype of {source}",
                cause="often a float64 constant array, an array created without dtype=, or an integer input or result",
                cause_code="dtype-not-kept",
            )
