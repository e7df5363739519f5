"""Numbers and lists of numbers that are parameters: they have a gradient by name, or backward changes them.

    trained_numbers(start, thing, kept, returned, N)      {Slot alpha: (array(0.25), Kept("object", Slot dalpha))}
    names_in_updates(kind)                                {"alpha"}: assigned from a gradient or with a learning rate

Other numbers are settings, such as slopes and rates. Whether forward depends on a number is tried by the caller.
"""

from __future__ import annotations

import ast
import contextlib
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.calls import RATE_NAMES
from nnlaw.spec.discovery.match_gradients import NAMED, Kept, is_gradient_name, match
from nnlaw.spec.discovery.slots import Slot, as_numbers
from nnlaw.spec.discovery.source_text import returned_names, source_text
from nnlaw.spec.subjects.gradient_names import is_gradient_of
from nnlaw.spec.syntax import parse

BIAS_NAME = re.compile(r"^_?(b_?\d*|bias\d*|intercept_?|offset|theta_?0|beta_?0)$", re.I)
LOSS_NAME = re.compile(r"loss|cost|err|^J$")
GRADIENT_NAME = re.compile(r"grad|^_?d_?[A-Za-z]\w*$|delta|nabla|err", re.I)


def trained_numbers(
    start: Mapping[Slot, Array],
    thing: Any,
    kept: Sequence[tuple[Slot, Array]],
    returned: Sequence[tuple[Slot, Array]],
    samples: int,
) -> dict[Slot, tuple[Array, Kept]]:
    """The numbers that have a gradient among these arrays, or that were changed, with values and places of gradients.

    `start` are the numbers before backward, `thing` is the object after it. A number whose gradient is an array, as
    that of a bias that becomes one by its first step, has that shape, unless that is one of a value for each sample.
    """
    numbers = {slot.name: (slot, array) for slot, array in start.items() if slot.key and not is_gradient_name(slot.key)}
    rows = {"object": dict(kept), "returned": dict(returned)}
    found: dict[Slot, tuple[Array, Kept]] = {}
    for name, place in match(numbers, kept, returned, NAMED).items():
        slot, array = numbers[name]
        gradient = rows[place.where][place.slot]
        fits = gradient.size == array.size or (array.ndim == 0 and is_gradient_of(place.slot.key, slot.key))
        if fits:
            found[slot] = _in_shape(array, gradient, samples), place
    rest = [slot for slot, array in returned if array.size == 1 and not LOSS_NAME.search(slot.key)]
    rest = [slot for slot in rest if Kept("returned", slot) not in [place for _, place in found.values()]]
    biases = [slot for slot, array in numbers.values() if BIAS_NAME.match(slot.key) and array.size == 1]
    biases = [slot for slot in biases if slot not in found]
    if len(rest) == len(biases) < len(returned):  # without names, such as `return x.T @ d, d.sum()`
        found |= {slot: (start[slot], Kept("returned", place)) for slot, place in zip(biases, rest, strict=True)}
    for slot, array in numbers.values():
        after = value_at(slot, thing)
        if slot not in found and after is not None and not np.array_equal(after, array):
            found[slot] = _in_shape(array, after, samples), Kept("step")
    return found


def _in_shape(array: Array, gradient: Array, samples: int) -> Array:
    is_array = array.ndim == 0 and gradient.size > 1 and samples not in gradient.shape
    return np.full(gradient.shape, array) if is_array else array


def value_at(slot: Slot, thing: Any) -> Array | None:
    """The number, list of numbers or array at a place; None if there is none."""
    try:
        value = slot.get(thing)
    except (AttributeError, LookupError, TypeError):
        return None
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "fi" else as_numbers(value)


def names_in_updates(kind: type) -> frozenset[str]:
    """The attributes that methods other than the constructor assign from a gradient, or with a learning rate."""
    found: frozenset[str] = frozenset()
    for each in kind.__mro__[:-1]:
        with contextlib.suppress(SyntaxError):
            found |= names_updated_in(source_text(each))
    return found


@cache
def names_updated_in(source: str) -> frozenset[str]:
    """The attributes, and the global names, that functions assign from a gradient, or with a learning rate."""
    tree = parse(textwrap.dedent(source))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != "__init__"]
    return frozenset(name for function in functions for name in _updated(function))


def _updated(function: ast.FunctionDef) -> Iterator[str]:
    shared = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            used = {getattr(each, "attr", getattr(each, "id", "")) for each in ast.walk(node.value)}
            if any(GRADIENT_NAME.search(name) or RATE_NAMES.match(name) for name in used if name):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    for each in ast.walk(target):
                        if isinstance(each, ast.Attribute):
                            yield each.attr
                        elif isinstance(each, ast.Name) and (each.id in shared or isinstance(target, ast.Subscript)):
                            yield each.id


def under_their_names(function: Callable[..., Any], returned: Sequence[tuple[Slot, Array]]) -> dict[Slot, Slot]:
    """The places of returned values, by the same with the names that the return statement has for them."""
    names = returned_names(function)
    found = {}
    for slot, _ in returned:
        i = slot.steps[0][1] if len(slot.steps) == 1 else None
        name = names[i] if isinstance(i, int) and i < len(names) else ""
        found[Slot((*slot.steps, (".", name))) if name else slot] = slot
    return found
