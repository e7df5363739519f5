"""The layer protocol, completed for classes without the base class: params, grads, state, training, needs_dx, build."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.subjects.copies import without_slots


def complete_layer(layer: Any) -> Any:
    """The layer with the missing parts of the protocol added as attributes.

    If it has __slots__ and no room for them, a copy with room is returned instead.
    """
    layer = without_slots(layer)
    for name in ("params", "grads", "state"):
        if getattr(layer, name, None) is None:
            setattr(layer, name, {})
    for name in ("training", "needs_dx"):
        if not hasattr(layer, name):
            setattr(layer, name, True)
    if not hasattr(layer, "build"):
        layer.build = _build_nothing
    return layer


def _build_nothing(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    pass


def convert(thing: Any, dtype: type) -> None:
    """Convert every float array in `params`, `grads` and `state` to another dtype."""
    for holder in ("params", "grads", "state"):
        arrays = getattr(thing, holder, None) or {}
        for name, value in list(arrays.items()):
            array = np.asarray(value)
            if array.dtype.kind == "f":
                arrays[name] = array.astype(dtype, order="C")


def convert_to_float32(layer: Any) -> None:
    """Convert all parameters and state to float32, and give every parameter a gradient array."""
    for holder in (layer.params, layer.state):
        for name, array in list(holder.items()):
            holder[name] = np.array(array, np.float32)
    grads = layer.grads
    for name, array in layer.params.items():
        grads[name] = np.zeros_like(array)
