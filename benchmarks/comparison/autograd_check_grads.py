"""autograd: autograd.test_util.check_grads on a primitive whose vjp is the plugin's backward, in reverse mode.

At large input its absolute tolerance is a thousand times as large, too: the rounding of what it subtracts is.
Order 1: the second order would differentiate backward itself, which a plugin in NumPy does not offer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from autograd import test_util
from autograd.core import defvjp_argnums
from autograd.extend import primitive
from subjects import KINDS, LARGE, Function, functions

from nnlaw.spec.subjects.unit import Unit

__all__ = ["KINDS", "harnesses"]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each function of the plugin, and its check, which raises."""
    for name, made in functions(record):
        tolerance = test_util.TOL * (LARGE if "large input" in name else 1)
        yield name, lambda made=made, tolerance=tolerance: _check(made(), tolerance)


def _check(function: Function, tolerance: float) -> None:
    wrapped = primitive(function.value)

    def vjp(argnums: tuple[int, ...], ans: Any, args: Any, kwargs: Any) -> Callable[[Any], tuple[Any, ...]]:
        def pull(dy: Any) -> tuple[Any, ...]:
            slopes = function.slopes(dy)
            return tuple(slopes[i] for i in argnums)

        return pull

    defvjp_argnums(wrapped, vjp)
    with patch.object(test_util, "TOL", tolerance):
        test_util.check_grads(wrapped, tuple(range(len(function.points))), modes=["rev"], order=1)(*function.points)
