"""What a first call of a layer's forward shows: the place of the output, and the arrays that the output depends on."""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import Plan
from nnlaw.spec.discovery.calls import PENALTIES, TEST_NAMES, Made, Randomness
from nnlaw.spec.discovery.layouts import Layout
from nnlaw.spec.discovery.match_gradients import Kept
from nnlaw.spec.discovery.parameters import Aliases, parameters_of
from nnlaw.spec.discovery.sequences import is_recurrent
from nnlaw.spec.discovery.slots import Slot, array_slots, attributes_of
from nnlaw.spec.discovery.source_text import nodes_of

OUTPUT_NAMES = (
    "output", "outputs", "out", "y", "a", "A", "activation", "activations", "Y", "result", "value", "h", "z", "Z",
    "output_data", "forward_output",
)  # fmt: skip


def forward_probe(made: Made, plan: Plan, x: Array, randomness: Randomness) -> tuple[Plan, Any] | None:
    """The plan with the place of the output and the parameters, and the instance with arrays made by its first call.

    None if there is no output.
    """
    if plan.mode:
        made = replace(made, instance=copy.deepcopy(made.instance))
        setattr(made.instance, plan.mode, not TEST_NAMES.match(plan.mode))
    inputs = plan.split(x)[0]
    thing = copy.deepcopy(made.instance)
    before = dict(array_slots(thing))
    before = {slot: array.copy() for slot, array in before.items()}
    randomness.reset()
    value = _call_forward(thing, plan, inputs)
    output = _output_place(thing, value, before, inputs)
    if output is None:
        return None
    more = tuple(_further_outputs(value)) if output == FIRST else ()
    plan = replace(plan, output=output, more=more, items=_items(made.instance, plan.forward, value))
    y = np.array(output.slot.get(value if output.where == "returned" else thing))
    if y.dtype.kind not in "f" or not y.size or not keeps_samples(y, len(x), plan.layout):
        return None
    if plan.layout.name == "rows" and len(plan.inputs[0]) == 2 and is_recurrent(type(made.instance)):
        other = copy.deepcopy(made.instance)  # the first axis may be time: then a sample changes the next ones
        moved = [inputs[0] + np.where(np.arange(len(x)) == 0, 0.5, 0.0)[:, None, None], *inputs[1:]]
        randomness.reset()
        returned = _call_forward(other, plan, moved)
        if not np.array_equal(np.array(output.slot.get(returned if output.where == "returned" else other))[1:], y[1:]):
            return None
    instance = made.instance
    aliases, unused = _parameters(instance, plan, inputs, randomness)
    lazy, _ = _parameters(thing, plan, inputs, randomness)
    kept = _kept_masks(made.instance, thing, plan, inputs, randomness, lazy)
    lazy = {name: places for name, places in lazy.items() if name not in kept}
    if len(lazy) > len(aliases):  # made by the first call
        instance, aliases = thing, lazy
    instance = copy.deepcopy(instance)
    for name, value in attributes_of(instance).items():
        if PENALTIES.search(name) and isinstance(value, float | int) and not isinstance(value, bool):
            setattr(instance, name, 0.0)
    for places in aliases.values():
        array = np.array(places[0].get(instance), np.float64)
        rng = np.random.default_rng(len(places[0].name))
        array = array + 0.1 * rng.standard_normal(array.shape)  # zeros and ones hide mistakes
        for place in places:
            place.set(instance, array)
    return replace(plan, aliases=aliases, unused=unused, kept=kept), instance


def _kept_masks(
    instance: Any, thing: Any, plan: Plan, inputs: list[Array], randomness: Randomness, lazy: Aliases
) -> tuple[str, ...]:
    """The names of arrays of zeros and one other number with an entry for each input, drawn in the first call alone.

    `thing` is the instance after its first call.
    """
    found = []
    for name, places in lazy.items():
        mask = np.asarray(places[0].get(thing))
        values = np.unique(mask)
        if len(values) != 2 or values[0] or mask.shape not in [x.shape for x in inputs]:
            continue
        other = copy.deepcopy(instance)
        with contextlib.suppress(Exception):
            randomness.reset(skip=1)
            _call_forward(other, plan, inputs)
            if not np.array_equal(places[0].get(other), mask):
                found.append(name)
    return tuple(found)


def keeps_samples(y: Array, count: int, layout: Layout) -> bool:
    """Whether an output can be that of a batch: it has the number of samples, or one axis at least if there is one."""
    if layout.single or layout.name == "as given":
        return y.ndim > 0 or layout.name == "as given"
    axis = {"rows": 0, "columns": -1, "time first": 1, "time first, columns": -1, "features first": 1}[layout.name]
    if y.ndim < 1 + (axis == 1) or y.shape[axis] != count:
        return False
    return not is_normalized_otherwise(y, layout)


def is_normalized_otherwise(y: Array, layout: Layout) -> bool:
    """Whether an output has probabilities that sum to 1 along another axis than that of one sample."""
    if layout.name not in ("rows", "columns") or y.ndim != 2 or (y < 0).any():
        return False
    axis = -1 if layout.name == "rows" else 0
    sums = [np.allclose(y.sum(axis=axis), 1), np.allclose(y.sum(axis=-1 - axis), 1), np.allclose(y.sum(), 1)]
    return not sums[0] and any(sums)


def _call_forward(thing: Any, plan: Plan, inputs: list[Array]) -> Any:
    values = {"count": plan.samples(inputs)}
    arguments = [inputs[row.value or 0].copy() if row.what == "x" else values.get(row.what, row.value)
                 for row in plan.forward_arguments if not row.keyword]  # fmt: skip
    named = {row.keyword: row.value for row in plan.forward_arguments if row.keyword}
    return getattr(thing, plan.forward)(*arguments, **named)


def _output_place(thing: Any, value: Any, before: dict[Slot, Array], inputs: list[Array]) -> Kept | None:
    """Where the output is: returned, first of a returned tuple, or kept as an attribute."""
    if isinstance(value, np.ndarray):
        return Kept("returned")
    if _are_steps(value):
        return Kept("returned")
    if isinstance(value, tuple) and value and _are_steps(value[0]):
        return FIRST
    if isinstance(value, list) and len(value) > 1 and all(isinstance(each, np.ndarray) for each in value):
        return Kept("returned", Slot((("[", len(value) - 1),)))  # the activations of all layers
    if isinstance(value, tuple | list) and len(value) and isinstance(value[0], np.ndarray):
        return FIRST
    if isinstance(value, np.number | float):
        return Kept("returned")
    if value is not None and value is not thing:
        return None
    new = [
        (slot, array)
        for slot, array in array_slots(thing)
        if array.dtype.kind == "f" and (slot not in before or not np.array_equal(before[slot], array))
    ]
    named = [slot for name in OUTPUT_NAMES for slot, _ in new if slot.key == name]
    others = [slot for slot, array in new if not any(np.array_equal(array, x) for x in inputs)]
    found = named or others[-1:]
    return Kept("object", found[0]) if found else None


def _are_steps(value: Any) -> bool:
    """Whether a value is a list of one array per time step."""
    return isinstance(value, list) and len(value) > 1 and len({np.shape(each) for each in value}) == 1


FIRST = Kept("returned", Slot((("[", 0),)))


def _items(instance: Any, method: str, value: Any) -> tuple[str, ...]:
    """The names of the parts of a returned tuple, as the source returns them; "" for a part without one."""
    if not isinstance(value, tuple):
        return ()
    for node in nodes_of(getattr(type(instance), method)):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(value):
            return tuple(getattr(part, "id", getattr(part, "attr", "")) for part in node.value.elts)
    return ("",) * len(value)


def _further_outputs(value: Any) -> Iterator[Kept]:
    """The other arrays of floats in a returned tuple, which may have incoming gradients as well."""
    for i, each in enumerate(value[1:], 1):
        if not isinstance(each, np.ndarray) or each.dtype.kind != "f":
            return
        if each.any() and np.array_equal(each, np.rint(each)):  # indices, or a mask
            return
        yield Kept("returned", Slot((("[", i),)))


def _parameters(
    instance: Any, plan: Plan, inputs: list[Array], randomness: Randomness
) -> tuple[Aliases, tuple[str, ...]]:
    """The parameters of a layer, and the names of arrays that look like them; what forward changes is neither."""

    def depends(slots: tuple[Slot, ...]) -> bool | None:
        with contextlib.suppress(Exception):
            return depends_on(instance, plan, inputs, slots, randomness)
        return None

    return parameters_of(instance, depends)


LARGE_OUTPUT = 1e5


def depends_on(
    instance: Any, plan: Plan, inputs: list[Array], slots: tuple[Slot, ...], randomness: Randomness
) -> bool | None:
    """Whether the output changes with an array; None if forward changes the array itself."""
    outputs: list[Array] = []
    for shift in (0.0, 0.1, 1e3):
        if len(outputs) == 2 and (not outputs[0].size or np.abs(outputs[0]).max() < LARGE_OUTPUT):
            break  # only beside a large output a small change may be lost
        thing = copy.deepcopy(instance)
        old = np.asarray(slots[0].get(thing))
        array = np.array(old, np.float64 if old.dtype.kind == "i" else old.dtype)
        array = array + shift * (1 + np.random.default_rng(3).standard_normal(array.shape)).astype(array.dtype)
        for slot in slots:
            slot.set(thing, array)
        kept = array.copy()
        randomness.reset()
        value = _call_forward(thing, plan, inputs)
        if not np.array_equal(np.asarray(slots[0].get(thing)), kept):
            return None  # a cache or a state
        outputs.append(np.array(plan.output.slot.get(value if plan.output.where == "returned" else thing)))
    return any(outputs[0].shape == y.shape and not np.array_equal(outputs[0], y) for y in outputs[1:])


def output_of(instance: Any, plan: Plan, inputs: list[Array]) -> Array:
    """The output of a copy of an instance."""
    thing = copy.deepcopy(instance)
    value = _call_forward(thing, plan, inputs)
    return np.array(plan.output.slot.get(value if plan.output.where == "returned" else thing))
