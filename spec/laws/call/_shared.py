"""Shared by the laws of calls: intervals, the tolerance of probabilities, the line that raised an exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.subjects.traceback_location import frames_of
from nnlaw.spec.violation import Location

SIMPLEX_TOLERANCE = {2: 5e-3, 4: 1e-5, 8: 1e-12}
"""How far the sum of a row of probabilities may be from 1, by the size of its floats in bytes."""


def line_of(error: Exception, location: Location) -> dict[str, Any]:
    """The line of `location`'s file that raised `error` (its innermost frame there), as a field of a Location."""
    frames = [frame for frame in frames_of(error) if Path(frame.path).name == location.file]
    return {"line": frames[-1].line} if frames else {}


def check_interval(call: Call, name: str, bounds: tuple[float, float], law: str) -> None:
    """Raise a violation of `law` unless all entries of the array `name` lie within `bounds`, ends included."""
    array = call.arrays[name]
    outside = ~((array >= bounds[0]) & (array <= bounds[1]))
    if outside.any():
        at = first_index(outside)
        raise call.violation(
            law,
            array=name,
            index=at,
            actual=f"{array[at]:.6g}",
            expected=f"a number in [{bounds[0]:g}, {bounds[1]:g}]",
        )
