"""Where an exception comes from that what is judged raised: the line of its author's code, not of ours or NumPy's.

    raised(error)            Where(method="helper", file="mine.py", line=6), empty where no such line is known
    cause_of(error)          "an exception that helper raised at mine.py:6"
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from nnlaw.spec.violation import Where

OTHERS = sys.stdlib_module_names | {"numpy"}  # packages whose lines are nobody's mistake here


def _is_others(module: str) -> bool:
    """Whether a module is Python's, NumPy's, or one of the laws'; nnlaw.nn is checked like anyone's code."""
    return module.startswith("nnlaw.spec.") or module.partition(".")[0] in OTHERS


def raised(error: BaseException) -> Where:
    """The innermost frame of `error` in the code that is judged."""
    frames = [
        Where("", frame.f_code.co_name, Path(frame.f_code.co_filename).name, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not _is_others(str(frame.f_globals.get("__name__", "")))
    ]
    return frames[-1] if frames else Where()


def judging(error: BaseException) -> str:
    """What to tell where no line of what is judged raised it: then it may as well be a mistake of the judging."""
    frames = [(Path(f.f_code.co_filename).name, line) for f, line in traceback.walk_tb(error.__traceback__)]
    place = "{}:{}".format(*frames[-1])
    return f"no line of its own but {place}: an answer of another kind than asked for, or a mistake of the judging"


def cause_of(error: BaseException) -> str:
    """What to tell as the cause of a violation that an exception is, "" where its place is not known."""
    place = raised(error)
    return f"an exception that {place.method} raised at {place.file}:{place.line}" if place.file else ""
