"""Whose is an exception that nobody expected? The user's, where a line of theirs is on its way; else it is ours.

    line_of_user(error)     "mine.py:12", or "" where no line of the user's code was running
    blamed(error)           the one sentence for an error of the user's
    told(error)             the one for an error of nn itself
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from nnlaw.nn.plugins.registry import REGISTRY

OURS = {"nnlaw", "neural_net"}
SHOW = "NN_TRACEBACK"  # set to anything, the traceback of an internal error is shown


def line_of_user(error: BaseException) -> str:
    """The innermost line that is neither ours nor Python's nor a library's that registers no plugin."""
    plugins = {_root(plugin.thing.__module__) for plugin in REGISTRY.plugins.values() if not plugin.built_in}
    lines = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (root := _root(frame.f_globals.get("__name__"))) in plugins - OURS
        or (root not in OURS | sys.stdlib_module_names and "site-packages" not in frame.f_code.co_filename)
    ]
    return lines[-1] if lines else ""


def _root(module: object) -> str:
    return str(module or "").partition(".")[0]


def is_internal(error: BaseException) -> bool:
    """Whether it is a mistake of nn: not the user's, and no want of room, rights or files."""
    return isinstance(error, Exception) and not isinstance(error, OSError | MemoryError) and not line_of_user(error)


def blamed(error: BaseException) -> str:
    """One that is the user's in a sentence, with the line that raised it."""
    place = line_of_user(error)
    return f"{place and f'{place}: '}{type(error).__name__}: {error}"


def told(error: BaseException) -> str:
    """What it is, where, and how to report it; the traceback goes to standard error where it is asked for."""
    if os.environ.get(SHOW):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = " ".join(str(error).split())
    return (
        f"internal error, a mistake in nn and not in what it was given: {type(error).__name__}{place}: {said}; "
        f"please report it with the command and what that prints when {SHOW}=1 is set"
    )
