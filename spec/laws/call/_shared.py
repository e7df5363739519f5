"""What the laws of this kind share."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.violation import Location

SIMPLEX_TOLERANCE = {2: 5e-3, 4: 1e-5, 8: 1e-12}
"""How far a row of probabilities may sum from 1, by the size of its floats in bytes."""


def line_of(error: Exception, location: Location) -> dict[str, Any]:
    """The line at which `error` left the file of `where`; its innermost frame in that file."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == location.file]
    return {"line": frames[-1].lineno} if frames else {}


def check_interval(call: Call, name: str, claimed: tuple[float, float], code: str) -> None:
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
