"""CS231n: its eval_numerical_gradient and rel_error, as thousands of students run them on layers of their own.

    n = (f(x + h) − f(x − h)) / 2h,  h = 1e-5;   error = max |a − n| / max(1e-8, |a| + |n|)

Above 1e-2 the course calls a gradient probably wrong; between 1e-4 and 1e-2 "you should feel uncomfortable".
At large input the 1e-8 is a thousand times as large, too.
Source: https://cs231n.github.io/neural-networks-3/#gradcheck and the assignments' gradient_check.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from subjects import KINDS, LARGE, Array, Function, functions

from nnlaw.spec.subjects.unit import Unit

__all__ = ["KINDS", "harnesses"]
WRONG, UNCOMFORTABLE = 1e-2, 1e-4
FLOOR = 1e-8  # of what an error is relative to


def harnesses(record: Unit, limit: float = WRONG) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    for name, made in functions(record):
        floor = FLOOR * (LARGE if "large input" in name else 1)
        yield name, lambda made=made, floor=floor: check(made(), limit, floor)


def check(function: Function, limit: float, floor: float) -> None:
    """Compare every slope at every point. Raises ValueError where the error is above `limit`, or not a number."""
    points = function.points
    y = np.array(function.value(*points))
    dy = np.random.default_rng(0).standard_normal(y.shape) if y.ndim else np.float64(1)
    slopes = function.slopes(dy)
    for point, slope in zip(points, slopes, strict=True):
        numeric = eval_numerical_gradient_array(lambda: function.value(*points), point, dy)
        error = rel_error(np.asarray(slope), numeric, floor)
        if not error <= limit:
            raise ValueError(f"relative error {error:.1e}")


def eval_numerical_gradient_array(f: Callable[[], Any], x: Array, df: Any, h: float = 1e-5) -> Array:
    """Central differences at every coordinate of x, which f reads and which is changed in place."""
    grad = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        kept = x[at]
        x[at] = kept + h
        above = np.array(f())
        x[at] = kept - h
        below = np.array(f())
        x[at] = kept
        grad[at] = np.sum((above - below) * df) / (2 * h)
    return grad


def rel_error(x: Array, y: Array, floor: float = FLOOR) -> float:
    """The largest relative error."""
    return float(np.max(np.abs(x - y) / np.maximum(floor, np.abs(x) + np.abs(y))))
