"""An exception of the code under test in another process, as data and as an exception here.

    raise remote_error(["MyError", "ValueError"], "rate must be positive", frames)     isinstance(..., ValueError)
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One line of a traceback: the module, the function, the file and the line."""

    module: str
    function: str
    path: str
    line: int


class RemoteError(Exception):
    """An exception that was raised in the process of the code under test; `frames` is its traceback, innermost last."""

    frames: tuple[Frame, ...] = ()


class RemoteExit(BaseException):
    """SystemExit, KeyboardInterrupt or another exception there that is not an Exception; no law catches it."""

    frames: tuple[Frame, ...] = ()


def remote_error(names: Sequence[str], text: str, frames: Sequence[Frame]) -> RemoteError | RemoteExit:
    """The exception whose class has these names, its own and those of its bases: a subclass of the built-in one."""
    if "Exception" not in names:
        left: RemoteExit = type(names[0] if names else "BaseException", (RemoteExit,), {})(text)
        left.frames = tuple(frames)
        return left
    known = [getattr(builtins, name, None) for name in names]
    bases = [base for base in known if isinstance(base, type) and issubclass(base, Exception)]
    base = next((base for base in bases if base not in (UnicodeDecodeError, UnicodeEncodeError)), Exception)
    kind = type(names[0] if names else "Exception", (RemoteError, base), {"__str__": lambda self: text})
    error: RemoteError = kind(text)
    error.frames = tuple(frames)
    return error
