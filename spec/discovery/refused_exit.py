"""exit(), quit() and sys.exit() of code under test: exceptions, so that a call that is tried can't end the process.

    namespace |= {"exit": refuse, "quit": refuse};  import sys gives SYS
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, NoReturn


class Exited(Exception):
    """The code called exit with this code."""

    def __init__(self, code: object = None) -> None:
        super().__init__(f"called sys.exit({code!r})")
        self.code = code


def refuse(code: object = None) -> NoReturn:
    """In place of exit."""
    raise Exited(code)


class _Sys(ModuleType):
    """The module sys, but for exit."""

    exit = staticmethod(refuse)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


SYS = _Sys("sys")
