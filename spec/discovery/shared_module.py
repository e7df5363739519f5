"""Modules that a deep copy shares, since layers keep them as attributes: `self.xp = numpy`."""

from __future__ import annotations

from types import ModuleType
from typing import Any


class SharedModule(ModuleType):
    """A module that is the same in every copy of an object that has it."""

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedModule:
        return self
