"""Arrays as people keep them: a single one, or lists and dicts of them, nested; made wide, and told by name.

    wide(x)                                 a float64 copy of a float array
    wide_tree([(W, b), ...])                the same of a whole tree
    paired(weights, grads, "weights", f)    {"d weights[0][0]": (W, dW), ...}, of two trees of one form
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, Location


def paired(own: Any, given: Any, name: str, function: Any) -> dict[str, tuple[Array, Any]]:
    """Arrays and gradients by name, from two trees of one form."""
    arrays, grads = dict(_leaves(own, name)), dict(_leaves(given, name))
    absent = [place for place in arrays if place not in grads]
    if absent:
        raise BadInput(
            f"{called(function)} gave no gradient for {absent[0]}; expected gradients arranged like {name}: "
            f"{', '.join(arrays)}"
        )
    return {f"d {place}": (array, grads[place]) for place, array in arrays.items()}


def _leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from _leaves(branch, f"{name}[{key!r}]")
    elif isinstance(tree, list | tuple):
        for i, branch in enumerate(tree):
            yield from _leaves(branch, f"{name}[{i}]")
    elif tree is not None:
        yield name, tree


def wide_tree(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: wide_tree(branch) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(wide_tree(branch) for branch in tree)
    return np.array(tree, np.float64)


def wide(x: Any) -> Any:
    """A float64 copy of a float array, anything else as it is."""
    return np.array(x, np.float64, order="C") if is_float(x) else x


def is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def called(function: Any) -> str:
    location = Location.of(function)
    return f"{location}" if location.method else repr(function)
