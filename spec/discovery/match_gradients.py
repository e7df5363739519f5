"""Which array is the gradient of which parameter: by name, by place in a list or a tuple, by shape.

    found = match(params, kept, returned)      {"W": Kept("object", Slot dW), "b": Kept("returned", Slot [1])}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.slots import Slot
from nnlaw.spec.subjects.gradient_names import is_gradient_of, short_name

CONTAINERS = re.compile(
    r"^_?(d|g|grad|grads|gradient|gradients|deltas?|derivatives?|derivs?|d_?params?|param_?grads)$", re.I
)
HISTORY = re.compile(r"^_?(v|m|s)$|veloc|moment|cache|prev|last|old|best|mean|var|history|accum", re.I)
"""Names of what code keeps beside gradients: velocities, earlier weights, values of the forward pass."""


@dataclass(frozen=True)
class Kept:
    """Where the gradient of an array is found after backward: "object", "returned" or "step", and the place there."""

    where: str
    slot: Slot = Slot(())  # noqa: RUF009  # frozen, so that it can be shared


def in_shape_of(gradient: Array, parameter: Array) -> Array:
    """The gradient in the shape of its parameter if it lacks only axes of 1 in front, which an update adds: (4,) for
    one of (1, 4).
    """
    lacking = parameter.ndim - gradient.ndim
    only_ones = lacking > 0 and parameter.shape == (1,) * lacking + gradient.shape
    return gradient.reshape(parameter.shape) if only_ones else gradient


def is_gradient_name(name: str) -> bool:
    """Whether a name alone is that of a gradient, of any parameter: dW, grad_W, weights_gradient."""
    return bool(
        CONTAINERS.match(name)
        or re.match(r"^_?(grads?|gradients?|nabla|delta|last_?d|d_?l_?d|d_e_?d|dEd|dLd|dJd)_?", name)
        or re.match(r"^_?d_?([A-Z]|w|b|weights?|bias|biases|gamma|beta|kernel|filters?)\w{0,3}$", name)
        or re.search(r"_?(grads?|gradients?|_delta|derivatives?)$", name)
    )


def in_gradient_container(slot: Slot) -> bool:
    """Whether an attribute, a dict or a list on the way is called like a container of gradients."""
    return any(isinstance(key, str) and is_gradient_name(key) for _, key in slot.steps)


def is_named(slot: Slot) -> bool:
    """Whether an attribute, or a container on the way, has the name of a gradient; a velocity of momentum has not."""
    return is_gradient_name(slot.key) or in_gradient_container(slot)


def match(
    params: Mapping[str, tuple[Slot, Array]],
    kept: Sequence[tuple[Slot, Array]],
    returned: Sequence[tuple[Slot, Array]],
    rules: Sequence[Rule] | None = None,
) -> dict[str, Kept]:
    """The gradient of each parameter, those that are found, among arrays that backward kept and that it returned.

    With `rules`, only by these.
    """
    sources = [("object", *row) for row in kept] + [("returned", *row) for row in returned]
    found: dict[str, Kept] = {}
    taken: set[tuple[str, Slot]] = set()
    for rule in rules or (_by_path, _by_name, _by_place, _by_shape):
        for name, (slot, array) in params.items():
            if name in found:
                continue
            free = [row for row in sources if (row[0], row[1]) not in taken]
            best = rule(slot, array, free, params)
            if best is not None:
                found[name] = Kept(best[0], best[1])
                taken.add((best[0], best[1]))
    return found


Source = tuple[str, Slot, Array]
Rule = Callable[[Slot, Array, list[Source], Mapping[str, tuple[Slot, Array]]], Source | None]


def _by_name(slot: Slot, array: Array, sources: list[Source], _: object) -> Source | None:
    """The array that is named for the parameter, in the same object if there are several; of the right shape first."""
    rows = []
    for where, place, value in sources:
        key = place.key
        named = is_gradient_of(key, slot.key) or (
            short_name(key) == short_name(slot.key)
            and ((where == "returned" and value.shape == array.shape) or in_gradient_container(place.parent))
        ) or (key.lower() in ("grad", "gradient", "g", "d", "dw") and _is_wrapped(place, slot))
        named = named or (where == "returned" and key == slot.key != "" and value.shape == array.shape)
        if named and (where == "returned" or _owner(place) == _owner(slot) or _is_wrapped(place, slot)):
            rows.append((value.shape != array.shape, where, place, value))
    rows.sort(key=lambda row: row[0])
    return rows[0][1:] if rows else None


def _owner(slot: Slot) -> tuple[tuple[str, object], ...]:
    """The steps to the owner of an array, directly or in a dict or a list of its own."""
    steps = slot.steps
    last = max((i for i, (kind, _) in enumerate(steps) if kind == "."), default=0)
    return steps[:last]


def _is_wrapped(place: Slot, slot: Slot) -> bool:
    """Whether a place is beside or on the parameter itself: `W.grad` of `W` or of `W.value`."""
    return place.steps[:-1] in (slot.steps, slot.steps[:-1]) and len(slot.steps) + 1 >= len(place.steps) > 1


def _by_path(slot: Slot, array: Array, sources: list[Source], _: object) -> Source | None:
    """The array whose keys are those of the parameter, below another attribute: `slopes['layer1']['W']`."""
    keys = [key for _, key in slot.steps]
    for where, place, value in sources:
        found = [key for _, key in place.steps]
        depth = min(len(keys), len(found)) - (where == "object")
        tail = list(zip(reversed(keys), reversed(found), strict=False))[:depth]
        if (
            len(tail) > 1 - (len(found) == 1) and value.shape == array.shape and place.steps[:1] != slot.steps[:1]
            and not any(HISTORY.search(str(key)) for key in found) and all(_same_key(*pair) for pair in tail)
        ):  # fmt: skip
            return where, place, value
    return None


def _same_key(key: object, found: object) -> bool:
    """Whether two keys are equal, or the second one is the name of the gradient of the first one."""
    return key == found or (isinstance(key, str) and isinstance(found, str) and is_gradient_of(found, key))


def _by_place(
    slot: Slot, array: Array, sources: list[Source], params: Mapping[str, tuple[Slot, Array]]
) -> Source | None:
    """The array at the same index of a list of gradients: that of the entry, or of the layer."""
    rows = [row for row in sources if row[2].shape == array.shape and (row[0] == "returned" or is_named(row[1]))]
    if slot.steps[-1][0] == "[" and isinstance(slot.steps[-1][1], int):
        for row in rows:
            if row[1].steps and row[1].steps[-1] == slot.steps[-1]:
                return row
    index = _layer(slot)
    if index is None:
        return None
    rank = sorted({each for other, _ in params.values() if (each := _layer(other)) is not None}).index(index)
    for number in (index, rank):
        for row in rows:
            if _layer(row[1]) == number and len(row[1].steps) > 1:
                return row
    return None


def _layer(slot: Slot) -> int | None:
    """The first index on the way to an array: that of its layer."""
    return next((key for _, key in slot.steps if isinstance(key, int)), None)


def _by_shape(
    slot: Slot, array: Array, sources: list[Source], params: Mapping[str, tuple[Slot, Array]]
) -> Source | None:
    """The first array of this shape; those that backward returned first, gradients by their name next."""
    same = [row for row in sources if row[2].shape == array.shape and (row[0] == "returned" or is_named(row[1]))]
    same.sort(key=lambda row: (row[0] != "returned", not in_gradient_container(row[1])))
    return same[0] if same else None


NAMED: tuple[Rule, ...] = (_by_path, _by_name)
"""The rules that need a name."""
