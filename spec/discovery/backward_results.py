"""Gradients from the return value of a hand-written backward, in any of the usual forms.

    dx, grads = read_gradients(layer, layer.backward(dy), params)    dx, (dx, dW, db), (dx, {"W": dW, "b": db}), self.dW
    pair_gradients(weights, grads, "weights", f)                     nested: {"d weights[0][0]": (W, dW), ...}

to_float64() and tree_to_float64() copy the inputs of such functions in float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput, Location, counted


def read_gradients(layer: Any, returned: Any, params: dict[str, Array]) -> tuple[Any, dict[str, Any]]:
    """dx and the gradients by name, returned by backward or kept on the layer; missing ones are left out.

    Raises BadInput if it returns another number of gradients than there are parameters.
    """
    if not isinstance(returned, tuple | list):
        return returned, {name: g for name in params if (g := _stored_gradient(layer, name)) is not None}
    dx, *rest = returned
    if len(rest) == 1 and isinstance(rest[0], dict):
        grads = rest[0]
        return dx, {name: g for name in params if (g := _find(grads, _spellings(name))) is not None}
    if len(rest) != len(params):
        raise BadInput(
            f"{type(layer).__name__}.backward returned {counted(len(rest), 'gradient')} after dx, "
            f"expected {len(params)}: {', '.join('d' + name for name in params)}"
        )
    return dx, dict(zip(params, rest, strict=True))


def is_gradient(name: str) -> bool:
    """Whether an attribute of this name holds a gradient: dW, grad_W, W_grad, d_W."""
    return name.startswith(("grad_", "d_")) or name.endswith("_grad") or (name[:1] == "d" and name[1:2].isupper())


def _spellings(name: str) -> tuple[str, ...]:
    return name, f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}"


def _stored_gradient(layer: Any, name: str) -> Any:
    """The gradient of a parameter from `grads` of the layer, or from one of its attributes."""
    grads = getattr(layer, "grads", None)
    found = _find(grads, _spellings(name)) if isinstance(grads, dict) else None
    return found if found is not None else _find(vars(layer), _spellings(name)[1:])


def _find(holder: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first value under one of these names that is not None."""
    return next((holder[name] for name in names if holder.get(name) is not None), None)


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
