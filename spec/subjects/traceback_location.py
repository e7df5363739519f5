"""Where the code under test raised an exception: its author's line, not one of the laws or of NumPy.

    raised_at(error)                          Location(method="helper", path=".../mine.py", line=6)
    exception_violation(law, unit, error)     the violation that such an exception is
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from nnlaw.spec.violation import Location, Violation

LIBRARIES = sys.stdlib_module_names | {"numpy"}


def raised_at(error: BaseException) -> Location:
    """The innermost frame in the code under test; empty if there is none."""
    frames = [
        Location("", frame.f_code.co_name, frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not _is_library(str(frame.f_globals.get("__name__", "")))
    ]
    return frames[-1] if frames else Location()


def _is_library(module: str) -> bool:
    """Whether a module is Python's, NumPy's or one of the laws; nnlaw.nn is checked like any other code."""
    return module.startswith("nnlaw.spec.") or module.partition(".")[0] in LIBRARIES


def exception_violation(law: str, unit: str, error: Exception) -> Violation:
    """The violation of `law` that an exception on valid input is."""
    place = raised_at(error)
    cause, code = cause_of(error), "exception"
    if not cause:
        frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
        file = Path(frame.f_code.co_filename).name
        cause = f"a return value of an unexpected type, or a bug in this check ({file}:{line})"
        code = "unexpected-type"
    return Violation(
        law,
        location=Location(unit, place.method, place.path, place.line),
        actual=f"{type(error).__name__} on valid input: {error}",
        expected="no exception",
        cause=cause,
        cause_code=code,
    )


def cause_of(error: BaseException) -> str:
    """Where the code under test raised `error`; empty if no line of it did."""
    place = raised_at(error)
    return f"{place.method} raises at {place.file}:{place.line}" if place.path else ""
