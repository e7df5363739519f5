"""The log of checks: how often each law was checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Protocol

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import LawFunction, code_of
from nnlaw.spec.violation import Violation


class CountsCalls(Protocol):
    """A guard, as far as the log needs it."""

    laws: tuple[LawFunction, ...]
    calls: int


class CheckLog:
    """Counts the checks of each law.

    All guards of a network share one log. `last_checked` is the array that passed most recently: the output of one
    layer is the input of the next, so it is not checked twice. A violation that `tolerates` accepts is recorded in
    `tolerated`, by law, and not raised.
    """

    def __init__(self, tolerates: Callable[[Violation], bool] | None = None) -> None:
        self.tolerates = tolerates
        self.tolerated: dict[str, Violation] = {}
        self.last_checked: Array = np.empty(0)
        self.guards: list[CountsCalls] = []
        self.audits: Counter[str] = Counter()

    def found(self, violation: Violation) -> None:
        """Record a violation if it is tolerated; else raise it."""
        if self.tolerates is None or not self.tolerates(violation):
            raise violation
        self.tolerated.setdefault(violation.law, violation)

    def count(self, *codes: str) -> None:
        """Count one check of each law that is checked outside the guards."""
        self.audits.update(codes)

    def checked(self) -> dict[str, int]:
        """The number of checks so far, by law code."""
        total = Counter(self.audits)
        for guard in self.guards:
            for law in guard.laws:
                total[code_of(law)] += guard.calls
        return dict(sorted(total.items()))
