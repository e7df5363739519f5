"""What was found in a module: a unit with the ways to call it, or a definition that no law checks.

    for found in find(module):
        print(found.kind, found.name, found.style)
        report = conformance(found)

A reading is one way to call a unit. There may be several: a derivative may take the input or the output, for example.
The unit is checked by the first reading; if that fails, by the next ones, and it passes if one of them does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Location


@dataclass(frozen=True)
class Reading:
    """One way to call a unit, and the cases in which its laws check it.

    `compared` are the arrays that the laws compare, with their shapes; `missing` those that they can't, each with the
    reason: the unit is then partly checked at most. `notes` are remarks that leave the outcome as it is.
    """

    calls: str
    cases: Callable[[int], list[Case]]
    compared: tuple[str, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A unit: its kind ("" if no law checks such a definition), its name, style and place, and its readings.

    Without readings it can't be checked, and `reason` is why.
    """

    kind: str
    name: str
    style: str
    location: Location
    thing: Any = None
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    names: tuple[str, ...] = ()
    """The names in the module that belong to it, such as both functions of a pair."""

    @property
    def label(self) -> str:
        """Place, kind and name, as error messages begin: `mine.py:8: layer Dense`."""
        return f"{self.location}: {self.kind} {self.name}"

    @property
    def is_unit(self) -> bool:
        """Whether there is something to check."""
        return bool(self.kind)

    def __str__(self) -> str:
        """One line of a list of units."""
        what = self.kind or "nothing to check"
        how = self.readings[0].calls if self.readings else self.reason
        return f"{self.location}: {what} {self.name}: {how or self.style}"
