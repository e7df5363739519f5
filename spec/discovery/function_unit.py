"""Functions that are checked by their values: initializers, schedules, metrics, batch iterators and utilities.

    yield from found_functions(scope, read)      read(name, thing) -> FunctionUnit, or None

The author's function is called through a small one with the arguments that laws use. A function of such a kind that
can't be called, or without a standard name, is not checked, with the reason.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.subjects.cases import BatchesCase, Case, InitializerCase, MetricCase, ScheduleCase, UtilityCase
from nnlaw.spec.violation import Location

CASES: dict[str, Any] = {
    "initializer": InitializerCase, "schedule": ScheduleCase, "batches": BatchesCase, "metric": MetricCase,
    "utility": UtilityCase,
}
Function = Callable[..., Any]


@dataclass(frozen=True)
class FunctionUnit:
    """A kind, a standard name, and how the author's function is called.

    Each reading is a list of functions that must all pass; one of the readings must. Without any, `reason` is why.
    """

    kind: str
    standard: str = ""
    readings: Sequence[Sequence[Function]] = ()
    calls: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


def found_functions(scope: Scope, read: Callable[[str, Any], FunctionUnit | None]) -> Iterator[Found]:
    """The functions and classes of the scope that `read` recognizes."""
    classes = {name: kind for name, kind in scope.classes.items() if not is_base_class(kind)}
    for name, thing in {**classes, **scope.functions}.items():
        try:
            with np.errstate(all="ignore"):
                unit = read(name.rpartition(".")[2], thing)
        except Exception:
            continue
        if unit is not None:
            location = class_location(thing) if inspect.isclass(thing) else Location.of(thing)
            readings = tuple(
                Reading(f"{name}{unit.calls}", partial(_cases, unit.kind, name, unit.standard, functions),
                        ("its values",), notes=unit.notes)
                for functions in unit.readings
            )  # fmt: skip
            yield Found(unit.kind, name, "function", location, thing, readings, unit.reason)


def _cases(kind: str, name: str, standard: str, functions: Sequence[Function], seed: int) -> list[Case]:
    return [CASES[kind](name, function, seed=seed, name=standard, registered=False) for function in functions]


def point_to(function: Any, author: Any) -> None:
    """Locations in messages are those of the author's function."""
    code = getattr(author, "__code__", None) or getattr(type(author).__call__, "__code__", None)
    if code is not None:
        function.__code__ = function.__code__.replace(co_filename=code.co_filename, co_firstlineno=code.co_firstlineno)
