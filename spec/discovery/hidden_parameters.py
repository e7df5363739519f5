"""Parameters that can't be compared: outside of the object, or values such as bytes. The unit is then partly checked.

    hidden_parameters(instance, forward, kept, returned, output)      {"W": "it is not an attribute of the object ..."}

These are global arrays, variables of functions that are attributes, and values such as bytes and complex numbers. A
constant, such as a fixed kernel, has no gradient and no update, and is left out.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.match_gradients import is_gradient_name, match
from nnlaw.spec.discovery.slots import Slot, attributes_of
from nnlaw.spec.discovery.trained_numbers import names_in_updates
from nnlaw.spec.subjects.gradient_names import is_gradient_of

OTHER = (bytes, bytearray, memoryview, array, complex, Decimal, Fraction)
"""Types of values that are not compared, although code may keep weights in them."""

Rows = Sequence[tuple[Slot, Array]]


def hidden_parameters(
    instance: Any, forward: Any, kept: Rows, returned: Rows, output: Callable[[], Array]
) -> dict[str, str]:
    """Their names, each with the reason why it can't be compared.

    `kept` and `returned` are the arrays after backward that were not matched with a parameter; `forward`
    is the author's function, and `output` runs it.
    """
    found: dict[str, str] = {}
    for name, value in attributes_of(instance).items():
        is_other = isinstance(value, OTHER) or (isinstance(value, np.ndarray) and value.dtype.kind in "cO")
        if is_other and any(len(slot.steps) == 1 and is_gradient_of(slot.key, name) for slot, _ in kept):
            found[name] = f"it has a gradient, but a value of type {type(value).__name__} can't be compared"
    places = {**dict(_closure_arrays(instance)), **dict(_global_arrays(forward))}
    arrays = {name: (Slot(((".", name.partition(" ")[0]),)), value) for name, (value, _) in places.items()}
    trained = set(match(arrays, kept, returned)) if arrays else set()
    updated = names_in_updates(type(instance))
    for name, (value, put) in places.items():
        if name in trained or name in updated:
            try:
                before = output()
                put(value + 0.1 * (1 + np.random.default_rng(3).random(value.shape)))
                after = output()
            finally:
                put(value)
            if not np.array_equal(before, after):
                found[name] = "it is not an attribute of the object, and was not compared"
    return found


Place = tuple[str, tuple[Array, Callable[[Array], None]]]


def _closure_arrays(instance: Any) -> Iterator[Place]:
    """The arrays of floats among the variables of functions that are attributes."""
    for attribute, function in attributes_of(instance).items():
        variables = getattr(getattr(function, "__code__", None), "co_freevars", ())
        for name, cell in zip(variables, getattr(function, "__closure__", None) or (), strict=False):
            with contextlib.suppress(ValueError):  # it is empty
                value = cell.cell_contents
                if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
                    yield f"{name} of {attribute}", (value, partial(setattr, cell, "cell_contents"))


def _global_arrays(forward: Any) -> Iterator[Place]:
    """The arrays of floats among the global names that a function reads."""
    known = getattr(forward, "__globals__", {})
    for name in getattr(getattr(forward, "__code__", None), "co_names", ()):
        value = known.get(name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size and not is_gradient_name(name):
            yield name, (value, partial(known.__setitem__, name))
