"""The line at which code writes to an argument: NumPy raises an exception there if the array is read-only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.traceback_location import frames_of


def read_only(array: Array) -> Array:
    """A copy that can't be written to."""
    copied = array.copy()
    copied.setflags(write=False)
    return copied


def line_that_writes(call: Callable[[], Any], function: Any) -> int:
    """The line, in the file of this function, at which a call with read-only arrays raises; 0 if it is not found."""
    code = getattr(function, "__code__", None)
    try:
        call()
    except ValueError as error:
        own = [frame.line for frame in frames_of(error) if frame.path == getattr(code, "co_filename", "")]
        return own[-1] if own and "read-only" in str(error) else 0
    except Exception:  # it does something else with read-only arrays; the line of the definition is shown
        return 0
    return 0
