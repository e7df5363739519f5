"""Floats come out as wide as they went in."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law


@law(
    "dtype",
    kind="call",
    family="shape",
    tier="call",
    statement="Floats come out as wide as they went in.",
    depends_on=("shape",),
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
