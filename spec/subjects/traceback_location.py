"""Where the code under test raised an exception: its author's line, not one of the laws or of NumPy.

    raised_at(error)                          Location(method="helper", path=".../mine.py", line=6)
    exception_violation(law, unit, error)     the violation that such an exception is
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.remote_error import Frame, RemoteError, RemoteExit
from nnlaw.spec.violation import Location, Violation

LIBRARIES = sys.stdlib_module_names | {"numpy"}


def raised_at(error: BaseException) -> Location:
    """The innermost frame in the code under test; empty if there is none."""
    own = [frame for frame in frames_of(error) if not _is_library(frame.module)]
    return Location("", own[-1].function, own[-1].path, own[-1].line) if own else Location()


def frames_of(error: BaseException) -> list[Frame]:
    """The traceback of an exception, raised here or in the process of the code under test."""
    if isinstance(error, RemoteError | RemoteExit) and error.frames:
        return list(error.frames)
    return [
        Frame(str(frame.f_globals.get("__name__", "")), frame.f_code.co_name, frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]


def _is_library(module: str) -> bool:
    """Whether a module is Python's, NumPy's or one of the laws; nnlaw.nn is checked like any other code."""
    return module.startswith("nnlaw.spec.") or module.partition(".")[0] in LIBRARIES


def exception_violation(law: str, unit: str, error: Exception) -> Violation:
    """The violation of `law` that an exception on valid input is."""
    place = raised_at(error)
    cause, code = cause_of(error), "exception"
    if not cause:
        last = frames_of(error)[-1]
        cause = f"a return value of an unexpected type, or a bug in this check ({Path(last.path).name}:{last.line})"
        code = "unexpected-type"
    return Violation(
        law,
        location=Location(unit, place.method, place.path, place.line),
        actual=f"{type(error).__name__} on valid input: {text_of(error)}",
        expected="no exception",
        cause=cause,
        cause_code=code,
    )


def cause_of(error: BaseException) -> str:
    """Where the code under test raised `error`; empty if no line of it did."""
    place = raised_at(error)
    return f"{place.method} raises at {place.file}:{place.line}" if place.path else ""
