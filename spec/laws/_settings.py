"""What the law `settings` does for every kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from math import inf, nan, nextafter
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.contracts.intervals import Interval, interval
from nnlaw.spec.discovery.unit import Unit, all_settings
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import BadInput, Location, NotApplicable, Violation

Maker = Callable[[dict[str, Any]], Array]

STATEMENT = "A setting is taken where it is claimed to lie, refused elsewhere, by name, and has effect."


def judge(case: Case, thing: Any, location: Location, answer: Maker) -> None:
    """Each setting at the ends of what is admitted, between them, and beyond: taken or refused as is claimed.

    Of the values that are taken, no setting may answer the same to all: it would be one that nobody reads.
    """
    claims = claim(thing, "admits")
    if not claims:
        raise NotApplicable("no admits is claimed")
    usual = {k: v for k, v in all_settings(Unit(case.kind, case.name, thing))[0].items() if k != "input_shape"}
    rows = inspect.signature(thing).parameters

    def accuse(name: str, actual: str, expected: str, cause: str = "") -> None:
        array = f"the setting {name}"
        raise Violation("settings", location=location, array=array, actual=actual, expected=expected, cause=cause)

    for name, text in claims.items():
        if name not in rows:
            raise BadInput(f"{case.path}: admits {name!r}, which is none of its settings: {', '.join(rows)}")
        whole = rows[name].annotation in (int, "int")
        answers, row = set(), interval(text)
        for value in inside(row, whole):
            try:
                answers.add(answer(usual | {name: value}).tobytes())
            except Exception as error:
                accuse(name, f"{value:g}, which ended by {type(error).__name__}: {error}", f"taken, as in {text}")
        for value in outside(row, whole):
            try:
                answer(usual | {name: value})
            except ValueError as error:
                if name not in str(error):
                    accuse(name, f"{value:.17g}, refused by {str(error)!r}", f"a sentence that names {name}")
                continue
            except Exception as error:
                accuse(name, f"{value:.17g}, which ended by {type(error).__name__}: {error}", "a ValueError")
            accuse(name, f"{value:.17g}, which was taken", f"refused by a ValueError, outside of {text}")
        if len(answers) == 1:
            accuse(name, "without effect", "other results for other values", "a setting that is not kept, or not read")


def inside(row: Interval, whole: bool) -> Iterator[float]:
    """The ends that are included, and values between them."""
    width = row.high - row.low if row.high < inf else 2.0
    between = (row.low + 1, row.low + 2) if whole else (row.low + width / 4, row.low + width / 2)
    ends = [end for end, included in ((row.low, row.with_low), (row.high, row.with_high)) if included]
    for value in (*ends, *between):
        yield int(value) if whole else value


def outside(row: Interval, whole: bool) -> Iterator[float]:
    """The ends that are not included, what lies next to and far beyond those that are, and what is no number."""
    for end, included, way in ((row.low, row.with_low, -inf), (row.high, row.with_high, inf)):
        if abs(end) < inf:
            beyond = (end + np.sign(way),) if whole else (nextafter(end, way), end + np.sign(way))
            for value in beyond if included else (end, *beyond):
                yield int(value) if whole else float(value)
        elif not included and not whole:
            yield end
    if not whole:
        yield nan
