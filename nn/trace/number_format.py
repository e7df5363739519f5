"""Format numbers and arrays: four significant digits, arrays in brackets.

    number(0.123456), factor(-2.0), array_text(array), shape_text(array)        "0.1235", "(-2)", "[1, 2]", "(2, 3)"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import entry

MAX_LINES = 12  # equations shown for one array


def number(value: Any) -> str:
    """Four significant digits, without negative zero."""
    return f"{float(value) + 0.0:.4g}"


def factor(value: Any) -> str:
    """A number in a product: in parentheses if it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def array_text(array: Array) -> str:
    """An array as nested brackets."""
    if array.ndim == 0:
        return number(array)
    return f"[{', '.join(array_text(part) for part in array)}]"


def shape_text(array: Array) -> str:
    """The shape of an array."""
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def equations(name: str, array: Array, term: Callable[[tuple[int, ...]], str]) -> list[str]:
    """`name[n, j] = <term> = value` for the first entries."""
    indices = list(np.ndindex(array.shape))
    lines = [f"{entry(name, at)} = {term(at)} = {number(array[at])}" for at in indices[:MAX_LINES]]
    return lines + ([f"... and {len(indices) - MAX_LINES} more"] if len(indices) > MAX_LINES else [])
