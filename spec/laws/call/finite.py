"""No number is nan or infinite."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law
from nnlaw.spec.violation import entry


@law(
    "finite",
    kind="call",
    family="numerics",
    tier="call",
    statement="No number is nan or infinite.",
    depends_on=("shape",),
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
