"""JAX: jax.test_util.check_grads on a custom_vjp over pure_callback, in reverse mode and with its own tolerances.

A callback must be pure, so that the backward callback runs forward first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.test_util import check_grads
from subjects import KINDS, Function, functions

from spec.record import Record

jax.config.update("jax_enable_x64", True)
__all__ = ["KINDS", "harnesses"]


def harnesses(record: Record) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    for name, function in functions(record):
        yield name, lambda function=function: _check(function)


def _check(function: Function) -> None:
    shown = np.asarray(function.value(*(point.copy() for point in function.points)))
    result = jax.ShapeDtypeStruct(shown.shape, shown.dtype)
    arguments = tuple(jax.ShapeDtypeStruct(point.shape, point.dtype) for point in function.points)

    def value(*points: Any) -> Any:
        return np.asarray(function.value(*map(np.asarray, points)))

    def slopes(dy: Any, *points: Any) -> tuple[Any, ...]:
        function.value(*map(np.asarray, points))
        return tuple(np.asarray(slope, np.float64) for slope in function.slopes(np.asarray(dy)))

    @jax.custom_vjp
    def wrapped(*points: Any) -> Any:
        return jax.pure_callback(value, result, *points)

    wrapped.defvjp(
        lambda *points: (wrapped(*points), points),
        lambda points, dy: jax.pure_callback(slopes, arguments, dy, *points),
    )
    check_grads(wrapped, tuple(function.points), order=1, modes=["rev"])
