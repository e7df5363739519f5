"""How numbers are written on the page of a lesson: four digits, arrays in brackets, entry by entry with its term.

    number(0.123456), signed(-2.0), show(array), size(array)        "0.1235", "(-2)", "[1, 2]", "(2, 3)"
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import entry

LINES = 12  # of numbers put into one equation


def number(value: Any) -> str:
    """Four significant digits; a negative zero is a zero."""
    return f"{float(value) + 0.0:.4g}"


def signed(value: Any) -> str:
    """A number as a factor: in brackets where it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def show(array: Array) -> str:
    """An array as nested brackets, a batch of one without its outer pair."""
    if array.ndim == 0:
        return number(array)
    return f"[{', '.join(show(part) for part in array)}]"


def size(array: Array) -> str:
    """The shape as it is written on the page."""
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def cells(name: str, array: Array, term: Callable[[tuple[int, ...]], str]) -> list[str]:
    """`name[n, j] = <term> = value` for the first entries."""
    places = list(np.ndindex(array.shape))
    lines = [f"{entry(name, at)} = {term(at)} = {number(array[at])}" for at in places[:LINES]]
    return lines + ([f"... and {len(places) - LINES} more"] if len(places) > LINES else [])


def words(thing: Any) -> str:
    """The first sentence of a docstring: where its author wrote the equation."""
    found = inspect.getdoc(type(thing)) or ""
    return " ".join(found.split("\n\n")[0].split())
