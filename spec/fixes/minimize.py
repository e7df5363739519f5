"""The smallest input that still breaks a law: fewer rows, then plainer numbers.

Greedy and without chance: a change is kept where the same law still says the same of the same array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, domain_of
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase
from nnlaw.spec.violation import Violation

SECONDS = 1.0  # enough for some hundred trials of a small layer
SHOWN = 64  # larger inputs tell a reader nothing
Retry = Callable[[Case], Violation | None]


def smallest(violation: Violation, case: Case, retry: Retry) -> Violation:
    """`violation` as it reads on the smallest input found, which is put into its `input`; unchanged for other cases."""
    if not isinstance(case, LayerCase | LossCase):
        return violation
    search = _Search(violation, case, retry)
    search.rows()
    search.numbers()
    arrays = _arrays(search.case)
    if sum(array.size for array in arrays.values()) > SHOWN:
        return violation
    return search.violation.with_fields(input={name: array.tolist() for name, array in arrays.items()})


def _arrays(case: Any) -> dict[str, Array]:
    if isinstance(case, LayerCase):
        return {"x": case.x}
    return {"prediction": case.prediction, "target": case.target}


def _identity(violation: Violation) -> tuple[str, ...]:
    """What must stay the same while the input shrinks."""
    return violation.law, violation.array, violation.location.method, violation.cause_code


class _Search:
    def __init__(self, violation: Violation, case: LayerCase | LossCase, retry: Retry) -> None:
        self.violation, self.case, self.retry = violation, case, retry
        self.ends = monotonic() + SECONDS
        self.name = "x" if isinstance(case, LayerCase) else "prediction"
        self.thing: Any = case.layer if isinstance(case, LayerCase) else case.loss

    def keeps(self, **changed: Array) -> bool:
        """Whether the law says the same of the changed case, which is then kept."""
        if monotonic() > self.ends:
            return False
        case = replace(self.case, **changed)  # type: ignore[arg-type]  # of these names, each has its own
        try:
            found = self.retry(case)
        except Exception:  # the law was never meant for such an input
            return False
        if found is None or _identity(found) != _identity(self.violation):
            return False
        self.case, self.violation = case, found
        return True

    def rows(self) -> None:
        """As few rows as will do, from the front or single ones from anywhere."""
        arrays = _arrays(self.case)
        total = len(next(iter(arrays.values())))
        least = 4 if isinstance(self.case, LayerCase) and declared_value(self.thing, "couples_samples") else 1
        choices = [[i] for i in range(total)] if least == 1 else []
        choices += [list(range(count)) for count in range(max(2, least), total)]
        any(self.keeps(**{name: array[rows] for name, array in arrays.items()}) for rows in choices)

    def numbers(self) -> None:
        """All numbers rounded, then one after the other plain."""
        for digits in (0, 1):
            if self.keeps(**{self.name: self.within(_arrays(self.case)[self.name].round(digits))}):
                break
        for at in np.ndindex(_arrays(self.case)[self.name].shape):
            for plain in self.plainer(float(_arrays(self.case)[self.name][at])):
                array = _arrays(self.case)[self.name].copy()
                array[at] = plain
                if self.keeps(**{self.name: array}):
                    break

    def plainer(self, value: float) -> Iterator[float]:
        for plain in (0.0, 1.0, -1.0):
            if plain == value:
                return
            bounds = domain_of(self.thing)
            if bounds is None or bounds[0] <= plain <= bounds[1]:
                yield plain

    def within(self, array: Array) -> Array:
        bounds = domain_of(self.thing)
        array = array + array.dtype.type(0)  # no minus zero
        return array if bounds is None else array.clip(*bounds).astype(array.dtype)
