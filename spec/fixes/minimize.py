"""Find the smallest input that still shows a violation: fewer rows, then simpler numbers.

The search is greedy and deterministic: a change is kept if the same law still fails for the same array and cause.
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

MAX_SECONDS = 1.0  # enough for some hundred trials of a small layer
MAX_SHOWN = 64  # numbers; larger inputs do not help a reader
Check = Callable[[Case], Violation | None]


def smallest(violation: Violation, case: Case, check: Check) -> Violation:
    """The violation on the smallest input found, which is stored in its `input`; unchanged for other kinds of cases."""
    if not isinstance(case, LayerCase | LossCase) or (isinstance(case, LossCase) and case.array != "prediction"):
        return violation
    search = _Search(violation, case, check)
    search.drop_rows()
    search.simplify_numbers()
    arrays = _arrays(search.case)
    if sum(array.size for array in arrays.values()) > MAX_SHOWN:
        return violation
    return search.violation.with_fields(input={name: array.tolist() for name, array in arrays.items()})


def _arrays(case: Any) -> dict[str, Array]:
    return {"x": case.x} if isinstance(case, LayerCase) else {"prediction": case.prediction, "target": case.target}


def _identity(violation: Violation) -> tuple[str, ...]:
    """What must stay the same."""
    return violation.law, violation.array, violation.parameter, violation.location.method, violation.cause_code


class _Search:
    def __init__(self, violation: Violation, case: LayerCase | LossCase, check: Check) -> None:
        self.violation, self.case, self.check = violation, case, check
        self.deadline = monotonic() + MAX_SECONDS
        self.name = "x" if isinstance(case, LayerCase) else "prediction"
        self.thing: Any = case.layer if isinstance(case, LayerCase) else case.loss

    def try_with(self, **changed: Array) -> bool:
        """Keep the changed case if it shows the same violation, and return whether it does."""
        if monotonic() > self.deadline:
            return False
        case = replace(self.case, **changed)  # type: ignore[arg-type]  # each kind of case has its own arrays
        try:
            found = self.check(case)
        except Exception:  # the law cannot check such an input
            return False
        if found is None or _identity(found) != _identity(self.violation):
            return False
        self.case, self.violation = case, found
        return True

    def drop_rows(self) -> None:
        """Keep as few rows as possible: one row, or the first few."""
        arrays = _arrays(self.case)
        total = len(next(iter(arrays.values())))
        least = 4 if isinstance(self.case, LayerCase) and declared_value(self.thing, "couples_samples") else 1
        choices = [[i] for i in range(total)] if least == 1 else []
        choices += [list(range(count)) for count in range(max(2, least), total)]
        for rows in choices:
            if self.try_with(**{name: array[rows] for name, array in arrays.items()}):
                break

    def simplify_numbers(self) -> None:
        """Round all numbers, then replace each by 0, 1 or −1."""
        for digits in (0, 1):
            if self.try_with(**{self.name: self.inside_domain(self.array.round(digits))}):
                break
        for index in np.ndindex(self.array.shape):
            for simple in self.simpler(float(self.array[index])):
                array = self.array.copy()
                array[index] = simple
                if self.try_with(**{self.name: array}):
                    break

    @property
    def array(self) -> Array:
        return _arrays(self.case)[self.name]

    def simpler(self, value: float) -> Iterator[float]:
        bounds = domain_of(self.thing)
        for simple in (0.0, 1.0, -1.0):
            if simple == value:
                return
            if bounds is None or bounds[0] <= simple <= bounds[1]:
                yield simple

    def inside_domain(self, array: Array) -> Array:
        bounds = domain_of(self.thing)
        array = array + array.dtype.type(0)  # no minus zero
        return array if bounds is None else array.clip(*bounds).astype(array.dtype)
