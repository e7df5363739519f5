"""Arrays must be free of NaN and infinity.

Finds overflow, division by zero, and the logarithm or square root of a negative number, in the call where it happens.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law
from nnlaw.spec.violation import NO_CAUSE, Cause, entry


@law(
    "finite",
    kind="call",
    family="numerics",
    tier="call",
    statement="Arrays must be free of NaN and infinity.",
    why="NaN spreads: one in an activation makes the loss and all weights NaN within a step, far from where it arose.",
    depends_on=("shape",),
)
def finite(call: Call) -> None:
    """Every entry of every floating-point input and output is finite.

    If one isn't, the parameters are searched as well: a parameter that is NaN is reported as the likely cause.
    """
    if all(_is_sound(array) for array in call.arrays.values()):
        return
    for name, array in (call.inputs | call.outputs).items():
        if not _is_sound(array):
            at = first_index(~np.isfinite(array))
            cause = _non_finite_parameter(call.owner)
            raise call.violation(
                "finite",
                array=name,
                index=at or None,
                actual=f"{np.asarray(array)[at]}",
                expected="a finite number",
                cause=cause.text,
                cause_code=cause.code,
            )


def _is_sound(array: Any) -> bool:
    return not np.issubdtype(np.asarray(array).dtype, np.floating) or is_finite(np.asarray(array))


def _non_finite_parameter(owner: object) -> Cause:
    """The first parameter of `owner` with an entry that is NaN or infinite."""
    for name, array in (getattr(owner, "params", None) or {}).items():
        if not is_finite(array):
            at = first_index(~np.isfinite(array))
            return Cause("non-finite-parameter", f"{entry(name, at)} = {array[at]}")
    return NO_CAUSE
