"""What a plugin says of itself. One table, one way to read it.

A claim is an attribute of the class or function (for functions the registering decorator sets it). What is
claimed is judged; what is done without claiming is a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.intervals import interval as written
from nnlaw.spec.violation import BadInput


@dataclass(frozen=True)
class Claim:
    """One row: the attribute's name, what holds where it is silent, which values it may have."""

    name: str
    default: Any
    fits: Callable[[Any], bool]
    expected: str


def _interval(value: Any) -> bool:
    try:
        low, high = value
        return not isnan(low) and low < high
    except (TypeError, ValueError):
        return False


def _intervals(value: Any) -> bool:
    try:
        return all(written(text) is not None for text in value.values())
    except (AttributeError, TypeError, ValueError):
        return False


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not isnan(value)


def _optional(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


CLAIMS = {row.name: row for row in (
    Claim("couples_samples", False, _is_bool, "True or False"),
    Claim("domain", None, lambda v: v in (None, "logits") or _interval(v), 'a pair (low, high) or "logits"'),
    Claim("range", None, _optional(_interval), "a pair (low, high)"),
    Claim("monotone", False, _is_bool, "True or False"),
    Claim("odd", False, _is_bool, "True or False"),
    Claim("keeps_mean", True, _is_bool, "True or False"),
    Claim("minimum", None, _optional(_is_number), "a number"),
    Claim("shift_invariant", None, _optional(_is_bool), "True or False"),
    Claim("soft_labels", False, _is_bool, "True or False"),
    Claim("targets", "labels", lambda v: v in ("labels", "binary", "real"), '"labels", "binary" or "real"'),
    Claim("variance", None, _optional(callable), "a function of (fan_in, fan_out)"),
    Claim("first_step", None, _optional(callable), "a function of g that gives −Δw/lr"),
    Claim("admits", None, _optional(_intervals), 'a dict of settings and where each may lie, as {"rate": "[0, 1)"}'),
    Claim("restarts", False, _is_bool, "True or False"),
    Claim("like", None, _optional(lambda v: isinstance(v, str)), "a standard name"),
)}


def claim(thing: object, name: str) -> Any:
    """What `thing` claims under `name`, or the table's default.

    Raises BadInput where the value is not of the kind that the claim takes.
    """
    row = CLAIMS[name]
    value = getattr(thing, name, row.default)
    if isinstance(value, np.ndarray):  # an array is the numbers in it: == would ask each of them
        value = value.tolist()
    if not row.fits(value):
        owner = thing if hasattr(thing, "__name__") else type(thing)
        raise BadInput(f"{getattr(owner, '__name__', owner)}: {name} = {value!r}, expected {row.expected}")
    return value


def interval(thing: object) -> tuple[float, float] | None:
    """The (low, high) that `thing` claims as its domain, or None where any number will do."""
    claimed = claim(thing, "domain")
    return None if claimed in (None, "logits") else (float(claimed[0]), float(claimed[1]))


def within(thing: object, probe: Array, known: Array) -> Array:
    """`probe`, but with the entries of `known` wherever it leaves the domain that `thing` claims."""
    bounds = interval(thing)
    return probe if bounds is None else np.where((probe >= bounds[0]) & (probe <= bounds[1]), probe, known)
