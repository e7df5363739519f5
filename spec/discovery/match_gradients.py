"""Which array is the gradient of which parameter: by name, by place in a list or a tuple, by shape.

    found = match(params, kept, returned)      {"W": Kept("object", Slot dW), "b": Kept("returned", Slot [1])}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.slots import Slot
from nnlaw.spec.subjects.gradient_names import is_gradient_of, short_name

CONTAINERS = re.compile(r"^_?(d|g|grad|grads|gradient|gradients|deltas?|derivatives?|d_?params?|param_?grads)$", re.I)


@dataclass(frozen=True)
class Kept:
    """Where the gradient of an array is found after backward: "object", "returned" or "step", and the place there."""

    where: str
    slot: Slot = Slot(())  # noqa: RUF009  # frozen, so that it can be shared

    def __str__(self) -> str:
        if self.where == "step":
            return "the step that backward takes, divided by the learning rate"
        return f"self.{self.slot.name}" if self.where == "object" else f"returned{self.slot.name or ' value'}"


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
) -> dict[str, Kept]:
    """The gradient of each parameter, those that are found, among arrays that backward kept and that it returned."""
    sources = [("object", *row) for row in kept] + [("returned", *row) for row in returned]
    found: dict[str, Kept] = {}
    taken: set[tuple[str, Slot]] = set()
    for rule in (_by_path, _by_name, _by_place, _by_shape):
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


def _by_path(slot: Slot, array: Array, sources: list[Source], _: object) -> Source | None:
    """The array on the same path through nested dicts, behind the name of a gradient: dtheta['W'] of theta['W']."""
    if len(slot.steps) < 2:
        return None
    for where, place, value in sources:
        own = slot.steps[1:] if where == "returned" else slot.steps
        pairs = [(a, b) for a, b in zip(place.steps, own, strict=False) if a != b]
        if len(place.steps) != len(own) or value.shape != array.shape or len(own) < 2:
            continue
        if not pairs if where == "returned" else len(pairs) == 1 and _is_gradient_step(*pairs[0]):
            return where, place, value
    return None


def _is_gradient_step(place: tuple[str, object], slot: tuple[str, object]) -> bool:
    """Whether one step of a path is the gradient of the other one, by its name."""
    names = place[1], slot[1]
    return place[0] == slot[0] and all(isinstance(name, str) for name in names) and is_gradient_of(*map(str, names))


def _by_name(slot: Slot, array: Array, sources: list[Source], _: object) -> Source | None:
    """The array that is named for the parameter, in the same object if there are several; of the right shape first."""
    rows = []
    for where, place, value in sources:
        key = place.key
        named = is_gradient_of(key, slot.key) or (
            short_name(key) == short_name(slot.key) and in_gradient_container(place.parent)
        ) or (key.lower() in ("grad", "gradient", "g", "d", "dw") and _is_wrapped(place, slot))
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


def _by_place(
    slot: Slot, array: Array, sources: list[Source], params: Mapping[str, tuple[Slot, Array]]
) -> Source | None:
    """The array at the same index of a list of gradients, or at the same rank of a returned tuple."""
    if slot.steps[-1][0] == "[" and isinstance(slot.steps[-1][1], int):
        for where, place, value in sources:
            same = place.steps and place.steps[-1] == slot.steps[-1] and value.shape == array.shape
            if same and (where == "returned" or in_gradient_container(place)):
                return where, place, value
    return None


def _by_shape(
    slot: Slot, array: Array, sources: list[Source], params: Mapping[str, tuple[Slot, Array]]
) -> Source | None:
    """The first array of this shape; those that backward returned first, gradients by their name next."""
    same = [row for row in sources if row[2].shape == array.shape and (row[0] == "returned" or is_named(row[1]))]
    same.sort(key=lambda row: (row[0] != "returned", not in_gradient_container(row[1])))
    return same[0] if same else None
