"""Which arrays of an object are parameters: those that its output depends on, under any name.

    aliases, unused = parameters_of(layer, depends)      depends(slots) tries whether the output changes with an array
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.match_gradients import in_gradient_container, is_gradient_name
from nnlaw.spec.discovery.slots import Slot, array_slots, is_like_weights

MASK = re.compile("mask|keep|drop", re.I)
TABLE = re.compile(r"^_*(pe|(pos\w*_?)?encodings?(_?(table|matrix))?|(inv_?)?freqs?|sinusoids?)$", re.I)
"""Names of tables that may be computed once and not trained, such as that of a positional encoding."""

Aliases = dict[str, tuple[Slot, ...]]
"""The places of each parameter, by its name: the same array may be kept in several."""


def parameters_of(
    instance: Any,
    depends: Callable[[tuple[Slot, ...]], bool | None],
    data: Container[Slot] = (),
    *,
    by_output: bool = True,
) -> tuple[Aliases, tuple[str, ...]]:
    """The parameters, and the names of arrays that look like weights, but that nothing depends on.

    `depends` returns None for an array that is a cache or a state; `data` are places of training data. Without
    `by_output`, `depends` tries the gradients instead of the output, and names of gradients are left out.
    """
    groups: dict[int, list[Slot]] = {}
    for slot, array in array_slots(instance):
        if array.dtype.kind in "fi" and array.size and slot not in data:
            groups.setdefault(id(array), []).append(slot)
    found: list[tuple[Slot, ...]] = []
    unused: list[str] = []
    for slots in groups.values():
        like_gradient = all(is_gradient_name(slot.key) or in_gradient_container(slot) for slot in slots)
        if like_gradient and not by_output:
            continue
        is_mask = any(MASK.search(slot.key) for slot in slots) and np.isin(slots[0].get(instance), (0, 1)).all()
        is_table = all(TABLE.match(slot.key) for slot in slots) and _begins_at_zero(slots[0].get(instance))
        is_table = is_table or _is_of_positions(slots[0].get(instance))
        is_parameter = None if is_mask or is_table else depends(tuple(slots))
        if is_parameter:
            found.append(tuple(slots))
        elif is_parameter is not None and not like_gradient and is_like_weights(slots[0].get(instance)):
            unused.append(slots[0].name)
    return named_places(found), tuple(unused)


def _begins_at_zero(array: Array) -> bool:
    """Whether the first row is that of position 0: sin 0, cos 0 and 1 only, unlike a row of random numbers."""
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array[:, None]
    return bool(np.isin(rows[0], (0, 1)).all() and not np.isin(rows, (0, 1)).all())


def _is_of_positions(table: Any) -> bool:
    """Whether rows are sines and cosines of the same angles, which are 0, 1, 2, ... in the first column."""
    array = np.asarray(table)
    if array.ndim < 2:
        return False
    rows, width = array.reshape(-1, array.shape[-1]), array.shape[-1] // 2
    pairs = [(rows[:, ::2], rows[:, 1::2]), (rows[:, :width], rows[:, width:])] if array.shape[-1] == 2 * width else []
    begins = len(rows) > 2 and np.allclose(rows[:, 0], np.sin(np.arange(len(rows))), atol=1e-6)
    return bool(begins) and any(np.allclose(sines**2 + cosines**2, 1, atol=1e-6) for sines, cosines in pairs)


def off_zero(instance: Any) -> Any:
    """A copy without arrays of zeros: what comes after one, as the second of two products does, has no effect."""
    twin = copy.deepcopy(instance)
    groups: dict[int, list[tuple[Slot, Array]]] = {}
    for slot, array in array_slots(twin):
        if array.dtype.kind == "f" and array.size and not array.any():
            groups.setdefault(id(array), []).append((slot, array))
    for i, rows in enumerate(groups.values()):
        array = rows[0][1]
        moved = (0.05 + 0.1 * np.random.default_rng(i).random(array.shape)).astype(array.dtype)  # as variances are
        for slot, _ in rows:
            slot.set(twin, moved)
    return twin


def named_places(found: Sequence[tuple[Slot, ...]]) -> Aliases:
    """The places of parameters by name: the last one on the way if it is the only one, else the whole way."""
    keys = [slots[0].key or slots[0].name for slots in found]
    return {(key if keys.count(key) == 1 else slots[0].name): slots for key, slots in zip(keys, found, strict=True)}
