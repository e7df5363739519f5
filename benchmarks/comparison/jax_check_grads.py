"""JAX: jax.test_util.check_grads on a custom_vjp over pure_callback, in reverse mode.

Steps and tolerances are its own. In float64, and in JAX's default, float32, too, where JAX enforces the types that a
callback declares; there slopes may differ by 5e-2, because its own tolerance fails correct gradients. Forward mode and
order 2 would need derivatives that a plugin in NumPy does not offer. A callback must be pure, so that the backward
callback runs forward first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jax.test_util import check_grads
from subjects import KINDS, Function, functions

from nnlaw.spec.subjects.unit import Unit

jax.config.update("jax_enable_x64", True)
__all__ = ["KINDS", "harnesses"]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    for name, made in functions(record):
        yield name, lambda made=made: _check(made())
    for name, made in functions(record, np.float32):
        if "," not in name:
            yield f"{name}, float32", lambda made=made: _check(made(), 5e-2)


def _check(function: Function, tolerance: float | None = None) -> None:
    shape = np.shape(function.value(*(point.copy() for point in function.points)))
    result = jax.ShapeDtypeStruct(shape, function.dtype)
    arguments = tuple(jax.ShapeDtypeStruct(point.shape, point.dtype) for point in function.points)

    def value(*points: Any) -> Any:
        y = function.value(*map(np.asarray, points))
        return np.asarray(y) if shape else np.asarray(y, function.dtype)  # a loss is a float of Python's

    def slopes(dy: Any, *points: Any) -> tuple[Any, ...]:
        function.value(*map(np.asarray, points))
        return tuple(np.asarray(slope) for slope in function.slopes(np.asarray(dy)))

    @jax.custom_vjp
    def wrapped(*points: Any) -> Any:
        return jax.pure_callback(value, result, *points)

    wrapped.defvjp(
        lambda *points: (wrapped(*points), points),
        lambda points, dy: jax.pure_callback(slopes, arguments, dy, *points),
    )
    check_grads(wrapped, tuple(function.points), order=1, modes=["rev"], atol=tolerance, rtol=tolerance)
