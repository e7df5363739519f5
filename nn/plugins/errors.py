"""Distinguish errors in user code from bugs in nn, and describe both in one sentence.

    user_code_line(error)             "mine.py:12", or "" if no line of user code was running
    describe_user_error(error)        "mine.py:12: NameError: name 'lost' is not defined"
    describe_internal_error(error)    "internal error, a bug in nn: ...; please report it ..."
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.spec.subjects.remote_error import RemoteError
from nnlaw.spec.subjects.traceback_location import frames_of

OWN_MODULES = {"nnlaw", "neural_net"}
SHOW = "NN_TRACEBACK"  # if this variable is set, the traceback of an internal error is printed


def user_code_line(error: BaseException) -> str:
    """The innermost line that is neither in nn nor in Python nor in a library that registers no plugin."""
    plugins = {_top_package(plugin.thing.__module__) for plugin in REGISTRY.plugins.values() if not plugin.built_in}
    lines = [
        f"{frame.path}:{frame.line}"
        for frame in frames_of(error)
        if (top := _top_package(frame.module)) in plugins - OWN_MODULES
        or (top not in OWN_MODULES | sys.stdlib_module_names and "site-packages" not in frame.path)
    ]
    return lines[-1] if lines else ""


def _top_package(module: object) -> str:
    return str(module or "").partition(".")[0]


def is_internal(error: BaseException) -> bool:
    """Whether it is a bug in nn: not raised in user code, and not for lack of memory, permissions or files."""
    if isinstance(error, RemoteError) and not error.frames:  # sent by a process that hides its place
        return False
    return isinstance(error, Exception) and not isinstance(error, OSError | MemoryError) and not user_code_line(error)


def describe_user_error(error: BaseException) -> str:
    """An error in user code in one sentence, with the line that raised it."""
    place = user_code_line(error)
    return f"{place and f'{place}: '}{type(error).__name__}: {error}"


def describe_internal_error(error: BaseException) -> str:
    """A bug in nn in one sentence: the error, its line, and how to report it."""
    if os.environ.get(SHOW):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())
    return (
        f"internal error, a bug in nn and not in your input: {type(error).__name__}{place}: {text}; "
        f"please report it with the command and its output with {SHOW}=1 set"
    )
