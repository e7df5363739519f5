"""Attributes by which a class or function declares properties of itself, such as `domain` or `couples_samples`.

    declared(layer, "couples_samples")     the declared value, or the default from ATTRIBUTES
    domain_of(layer)                       (low, high), or None

Laws check what is declared. An undeclared property, such as rows that depend on each other, is a fault.
On functions the registering decorator sets the attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.attributed import Attributed, attribute_of
from nnlaw.spec.contracts.intervals import parse_interval
from nnlaw.spec.violation import BadInput


@dataclass(frozen=True)
class Attribute:
    """One row of the table: the attribute's name, its default, and which values it may have."""

    name: str
    default: Any
    is_valid: Callable[[Any], bool]
    expected: str


def _is_interval(value: Any) -> bool:
    try:
        low, high = value
        return not isnan(low) and low < high
    except (TypeError, ValueError):
        return False


def _are_intervals(value: Any) -> bool:
    try:
        return all(parse_interval(text) is not None for text in value.values())
    except (AttributeError, TypeError, ValueError):
        return False


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not isnan(value)


def _optional(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_valid(value)


ATTRIBUTES = {row.name: row for row in (
    Attribute("couples_samples", False, _is_bool, "True or False"),
    Attribute("domain", None, lambda v: v in (None, "logits") or _is_interval(v), 'a pair (low, high) or "logits"'),
    Attribute("range", None, _optional(_is_interval), "a pair (low, high)"),
    Attribute("monotone", False, _is_bool, "True or False"),
    Attribute("odd", False, _is_bool, "True or False"),
    Attribute("keeps_mean", True, _is_bool, "True or False"),
    Attribute("minimum", None, _optional(_is_number), "a number"),
    Attribute("shift_invariant", None, _optional(_is_bool), "True or False"),
    Attribute("soft_labels", False, _is_bool, "True or False"),
    Attribute("targets", "labels", lambda v: v in ("labels", "binary", "real"), '"labels", "binary" or "real"'),
    Attribute("variance", None, _optional(callable), "a function of (fan_in, fan_out)"),
    Attribute("first_step", None, _optional(callable), "a function of g that gives −Δw/lr"),
    Attribute("admits", None, _optional(_are_intervals), 'a dict of settings and their intervals, {"rate": "[0, 1)"}'),
    Attribute("restarts", False, _is_bool, "True or False"),
    Attribute("like", None, _optional(lambda v: isinstance(v, str)), "a standard name"),
)}


def declared_value(thing: object, name: str, *, of_class: bool = False) -> Any:
    """The value that `thing`, or its class, declares for the attribute `name`, or the default.

    Raises BadInput if the value is not valid for this attribute.
    """
    row = ATTRIBUTES[name]
    value = attribute_of(thing, name, row.default, of_class=of_class)
    if isinstance(value, np.ndarray):  # == would compare entry by entry
        value = value.tolist()
    if not row.is_valid(value):
        raise BadInput(f"{_name_of(thing)}: {name} = {value!r}, expected {row.expected}")
    return value


def _name_of(thing: object) -> str:
    return thing.type_name if isinstance(thing, Attributed) else str(getattr(thing, "__name__", type(thing).__name__))


def domain_of(thing: object) -> tuple[float, float] | None:
    """The declared domain (low, high), or None if inputs may be any number."""
    domain = declared_value(thing, "domain")
    return None if domain in (None, "logits") else (float(domain[0]), float(domain[1]))


def inside_domain(thing: object, values: Array, fallback: Array) -> Array:
    """`values`, with each entry outside the declared domain of `thing` replaced by that of `fallback`."""
    bounds = domain_of(thing)
    return values if bounds is None else np.where((values >= bounds[0]) & (values <= bounds[1]), values, fallback)
