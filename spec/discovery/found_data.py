"""What was found in a module, as data that the process of the code under test sends to the laws.

    data = to_data(found)             there
    found = from_data(data)           here: its cases have subjects in the other process

Everything that is received is checked; SubjectEnded is raised if it is not what `to_data` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, fields
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.law import UNIT_KINDS
from nnlaw.spec.subjects.cases import (
    BatchesCase,
    Case,
    InitializerCase,
    LayerCase,
    LossCase,
    MetricCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
    UtilityCase,
)
from nnlaw.spec.subjects.object_subject import ObjectSubject
from nnlaw.spec.subjects.recipe import Recipe
from nnlaw.spec.subjects.remote_subject import RemoteSubject, SubjectEnded
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Location, Violation

T = TypeVar("T")

CASES: dict[str, type[Case]] = {
    kind.kind: kind
    for kind in (
        BatchesCase, InitializerCase, LayerCase, LossCase, MetricCase, ModelCase, OptimizerCase, ScheduleCase,
        UtilityCase,
    )
}  # fmt: skip
VIOLATION = "violation"  # in place of the kind of a case: the law that fails while cases are made
VIOLATION_TEXTS = ("law", "actual", "expected", "array", "cause", "cause_code")
MAX_CASES, MAX_READINGS, MAX_TEXT = 100, 50, 2000
MIN_INDICES = 4  # different ones, if the entries are indices
MIN_DISTINCT = 0.5  # of the entries of an input; equal ones show no mistake
TYPES: dict[str, type | tuple[type, ...]] = {
    "path": str, "name": str, "array": str, "seed": int, "registered": bool, "is_second": bool, "quick": bool,
    "values_only": bool,
    "contract": (str, type(None)), "x": np.ndarray, "labels": np.ndarray, "prediction": np.ndarray,
    "target": np.ndarray, "settings": dict,
    "layer": Subject, "loss": Subject, "model": Subject, "thing": Subject, "make": (Subject, type(None)),
    "reload": (Subject, type(None)), "recipe": (list, type(None)),
}  # fmt: skip
"""The types of the fields of a case. A function is sent as a subject."""


def to_data(found: Found) -> list[Any]:
    """A found unit as data, with a function for the cases of each reading."""
    rows = [
        [reading.calls, list(reading.compared), dict(reading.missing), list(reading.notes),
         ObjectSubject(partial(_cases_as_data, reading.cases))]
        for reading in found.readings
    ]  # fmt: skip
    return [found.kind, found.name, found.style, list(astuple(found.location)), found.reason, list(found.names), rows]


def _cases_as_data(cases: Callable[[int], list[Case]], seed: int) -> list[Any]:
    try:
        made = cases(seed)
    except Violation as violation:  # raised by a call that a case needs
        texts = {name: getattr(violation, name) for name in VIOLATION_TEXTS}
        return [[VIOLATION, {**texts, "location": list(astuple(violation.location))}]]
    return [[case.kind, {name: _sent(getattr(case, name)) for name in _field_names(case)}] for case in made]


def _field_names(case: Case) -> list[str]:
    """The fields that are sent."""
    return [row.name for row in fields(case) if row.name in TYPES]


def _sent(value: Any) -> Any:
    if isinstance(value, Recipe):
        return value.to_data()
    return ObjectSubject(value) if callable(value) and not isinstance(value, Subject) else value


def from_data(data: Any) -> Found:
    """The found unit that the data describes."""
    kind, name, style, place, reason, names, rows = _items(data, 7)
    if _text(kind) not in ("", *UNIT_KINDS):
        raise SubjectEnded("it sent a unit of an unknown kind")
    location = _location(place)
    readings = [_reading(*_items(row, 5)) for row in _of(rows, list)[:MAX_READINGS]]
    return Found(
        _text(kind), _text(name), _text(style), location, readings=tuple(readings), reason=_text(reason),
        names=tuple(map(_text, _of(names, list))),
    )  # fmt: skip


def _location(data: Any) -> Location:
    unit, method, path, line, column = _items(data, 5)
    return Location(_text(unit), _text(method), _text(path), _of(line, int), _of(column, int))


def _reading(calls: Any, compared: Any, missing: Any, notes: Any, cases: Any) -> Reading:
    made = _of(cases, RemoteSubject)
    return Reading(
        _text(calls),
        lambda seed: _first_is_checked([_case(*_items(row, 2)) for row in _of(made(seed), list)[:MAX_CASES]]),
        tuple(map(_text, _of(compared, list))),
        {_text(name): _text(reason) for name, reason in _of(missing, dict).items()},
        tuple(map(_text, _of(notes, list))),
    )


def _first_is_checked(cases: list[Case]) -> list[Case]:
    """The cases. Raises SubjectEnded if the first is one of those for which only some laws are checked."""
    if cases and cases[0].is_second:
        raise SubjectEnded("it sent no case for all laws")
    return cases


def _case(kind: Any, values: Any) -> Case:
    if kind == VIOLATION:
        known = _of(values, dict)
        texts: dict[str, Any] = {name: _text(known.get(name)) for name in VIOLATION_TEXTS}
        raise Violation(**texts, location=_location(known.get("location")))
    case = CASES.get(kind) if isinstance(kind, str) else None
    if case is None:
        raise SubjectEnded("it sent a case of an unknown kind")
    own: dict[str, Any] = {}
    names = {row.name for row in fields(case)}
    for name, value in _of(values, dict).items():
        if name not in names or name not in TYPES or not isinstance(value, TYPES[name]):
            raise SubjectEnded("it sent a case with other fields")
        own[name] = value
    _check_inputs(own)
    own["registered"] = False  # what is registered is listed as such
    own["recipe"] = Recipe.of(own.get("recipe"))
    try:
        return case(**own)
    except TypeError:
        raise SubjectEnded("it sent a case without some of its fields") from None


def _check_inputs(values: Mapping[str, Any]) -> None:
    """Inputs whose entries are all alike could hide any mistake."""
    for name in ("x", "prediction"):
        array: Array | None = values.get(name)
        if array is None or array.dtype.kind != "f" or array.size <= 4:
            continue
        distinct = len(np.unique(array)) if np.isfinite(array).all() else 0
        enough = MIN_INDICES if (array == np.round(array)).all() else MIN_DISTINCT * array.size
        if distinct < enough:
            raise SubjectEnded("it sent inputs that can't show a mistake")


def _of(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise SubjectEnded(f"it sent a {type(value).__name__}, expected a {kind.__name__}")
    return value


def _items(value: Any, count: int) -> Sequence[Any]:
    rows = _of(value, list)
    if len(rows) != count:
        raise SubjectEnded("it sent rows of another length")
    return rows


def _text(value: Any) -> str:
    return _of(value, str)[:MAX_TEXT]
