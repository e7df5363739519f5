"""Gradients from the return value of a hand-written backward, in any of the usual forms.

    pair_gradients(weights, grads, "weights", f)                     nested: {"d weights[0][0]": (W, dW), ...}

to_float64() and tree_to_float64() copy the inputs of such functions in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, Location


def pair_gradients(params: Any, grads: Any, name: str, function: Any) -> dict[str, tuple[Array, Any]]:
    """Each array of nested `params` with its gradient, by name. Raises BadInput if a gradient is missing."""
    arrays, gradients = dict(_leaves(params, name)), dict(_leaves(grads, name))
    missing = [place for place in arrays if place not in gradients]
    if missing:
        raise BadInput(
            f"{describe(function)} returned no gradient for {missing[0]}; expected gradients nested like {name}: "
            f"{', '.join(arrays)}"
        )
    return {f"d {place}": (array, gradients[place]) for place, array in arrays.items()}


def _leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from _leaves(branch, f"{name}[{key!r}]")
    elif isinstance(tree, list | tuple):
        for i, branch in enumerate(tree):
            yield from _leaves(branch, f"{name}[{i}]")
    elif tree is not None:
        yield name, tree


def tree_to_float64(tree: Any) -> Any:
    """A copy of nested lists and dicts with every array in float64."""
    if isinstance(tree, Mapping):
        return {key: tree_to_float64(branch) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(tree_to_float64(branch) for branch in tree)
    return np.array(tree, np.float64)


def to_float64(x: Any) -> Any:
    """A float64 copy of a float array; anything else unchanged."""
    return np.array(x, np.float64, order="C") if is_float_array(x) else x


def is_float_array(x: Any) -> bool:
    """Whether x is a NumPy array of floats."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def describe(function: Any) -> str:
    """A function's name and place, as error messages begin: `backward (mine.py:8)`."""
    location = Location.of(function)
    if not location.method:
        return repr(function)
    return f"{location.method} ({location.file}:{location.line})" if location.file else location.method
