"""The law `settings`, which is the same for every kind: try values inside and outside the declared range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, nan, nextafter
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.contracts.intervals import Interval, parse_interval
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.settings import all_settings
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.subjects.unit import Unit
from nnlaw.spec.violation import NO_CAUSE, BadInput, Cause, Location, NotApplicable, Violation

Result = Callable[[dict[str, Any]], Array]

STATEMENT = "A setting is accepted inside its declared range, refused by name outside, and has an effect."
WHY = (
    "A value that should be refused trains for hours and then fails; a setting without effect makes every experiment "
    "with it meaningless."
)
WITHOUT_EFFECT = Cause("setting-without-effect", "often a setting that is checked but not stored, or not used")


def check_settings(case: Case, thing: Subject, location: Location, result: Result) -> None:
    """Compute `result` with values inside and outside the range of each setting in `admits`.

    Raises Violation if a value inside raises, if one outside does not raise a ValueError that names the setting, or if
    all values inside give the same result.
    """
    ranges = declared_value(thing, "admits")
    if not ranges:
        raise NotApplicable("no range of a setting is declared (admits)")
    usual = {k: v for k, v in all_settings(Unit(case.kind, case.name, thing))[0].items() if k != "input_shape"}
    parameters = {row.name: row for row in thing.settings()}

    def fail(array: str, actual: str, expected: str, cause: Cause = NO_CAUSE) -> None:
        raise Violation(
            "settings",
            location=location,
            array=array,
            actual=actual,
            expected=expected,
            cause=cause.text,
            cause_code=cause.code,
        )

    for name, text in ranges.items():
        if name not in parameters:
            raise BadInput(f"{case.path}: admits has {name!r}, but its settings are {', '.join(parameters)}")
        whole = parameters[name].annotation == "int"
        results, row = set(), parse_interval(text)
        for value in inside(row, whole):
            try:
                results.add(result(usual | {name: value}).tobytes())
            except Exception as error:
                actual = f"refused ({type(error).__name__}: {error})"
                fail(f"{name} = {value:g}", actual, f"to be accepted, since {text} is declared")
        for value in outside(row, whole):
            shown = f"{name} = {value:.17g}"
            try:
                result(usual | {name: value})
            except ValueError as error:
                if name not in str(error):
                    fail(shown, f"refused by {str(error)!r}", f"a message that names {name}")
                continue
            except Exception as error:
                fail(shown, f"refused by {type(error).__name__}: {error}", "a ValueError")
            fail(shown, "accepted", f"a ValueError, since {text} is declared")
        if len(results) == 1:
            fail(f"the setting {name}", "without effect", "other results for other values", WITHOUT_EFFECT)


def inside(row: Interval, whole: bool) -> Iterator[float]:
    """The included ends of an interval, and two values between them."""
    width = row.high - row.low if row.high < inf else 2.0
    between = (row.low + 1, row.low + 2) if whole else (row.low + width / 4, row.low + width / 2)
    ends = [end for end, included in ((row.low, row.with_low), (row.high, row.with_high)) if included]
    for value in (*ends, *between):
        yield int(value) if whole else value


def outside(row: Interval, whole: bool) -> Iterator[float]:
    """The excluded ends of an interval, values next to and 1 beyond the included ones, and nan."""
    for end, included, way in ((row.low, row.with_low, -inf), (row.high, row.with_high, inf)):
        if abs(end) < inf:
            beyond = (end + np.sign(way),) if whole else (nextafter(end, way), end + np.sign(way))
            for value in beyond if included else (end, *beyond):
                yield int(value) if whole else float(value)
        elif not included and not whole:
            yield end
    if not whole:
        yield nan
