"""The layer protocol, completed for classes without the base class: params, grads, state, training, needs_dx, build."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.copies import without_slots
from nnlaw.spec.subjects.gradient_names import is_gradient_of


def complete_layer(layer: Any) -> Any:
    """The layer with the missing parts of the protocol added as attributes.

    If it has __slots__ and no room for them, a copy with room is returned instead.
    """
    layer = without_slots(layer)
    if getattr(layer, "params", None) is None:
        gradients = gradients_of_attributes(layer)
        if gradients:
            layer.params = AttributeArrays(layer, {name: name for name in gradients})
            layer.grads = AttributeArrays(layer, gradients)
            layer.keeps_attributes = True  # they are float64 as a rule, and checked in float32
    for name in ("params", "grads", "state"):
        if getattr(layer, name, None) is None:
            setattr(layer, name, {})
    for name in ("training", "needs_dx"):
        if not hasattr(layer, name):
            setattr(layer, name, True)
    if not hasattr(layer, "build"):
        layer.build = _build_nothing
    return layer


def gradients_of_attributes(layer: Any) -> dict[str, str]:
    """The arrays of floats that a layer keeps as attributes, each with the attribute that backward uses as gradient."""
    code = getattr(getattr(type(layer), "backward", None), "__code__", None)
    arrays = [
        name for name, value in getattr(layer, "__dict__", {}).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    ]  # fmt: skip
    found: dict[str, str] = {}
    for name in arrays:
        gradient = next((each for each in code.co_names if is_gradient_of(each, name)), "") if code else ""
        if gradient and gradient not in found.values() and name not in found.values():
            found[name] = gradient
    return found


class AttributeArrays(MutableMapping[str, Array]):
    """Attributes of an object as a mapping, each under another name; those that are not set are left out."""

    def __init__(self, thing: Any, attributes: dict[str, str]) -> None:
        self.thing, self.attributes = thing, attributes

    def __getitem__(self, name: str) -> Array:
        found = getattr(self.thing, self.attributes[name], None)
        if found is None:
            raise KeyError(name)
        return np.asarray(found)

    def __setitem__(self, name: str, array: Array) -> None:
        setattr(self.thing, self.attributes[name], array)

    def __delitem__(self, name: str) -> None:
        setattr(self.thing, self.attributes[name], None)

    def __iter__(self) -> Iterator[str]:
        return (name for name, own in self.attributes.items() if getattr(self.thing, own, None) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
