"""The parameters of a network, and where its gradients are kept."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_network import AdaptedNetwork, NetworkPlan, NetworkRun
from nnlaw.spec.discovery.calls import Randomness
from nnlaw.spec.discovery.match_gradients import Kept, match
from nnlaw.spec.discovery.network_instances import Instance
from nnlaw.spec.discovery.parameters import Aliases, named_places, off_zero, parameters_of
from nnlaw.spec.discovery.slots import Slot, array_slots, is_user_object, leaves, number_leaves
from nnlaw.spec.discovery.trained_numbers import BIAS_NAME, trained_numbers


def moved_copy(instance: Any, aliases: dict[str, tuple[Slot, ...]]) -> Any:
    """A copy with parameters in float64, none of them at 0 or 1, which hide mistakes."""
    twin = copy.deepcopy(instance)
    for i, slots in enumerate(aliases.values()):
        array = np.array(slots[0].get(twin), np.float64)
        array = array + 0.1 * np.random.default_rng(i).standard_normal(array.shape)
        for slot in slots:
            slot.set(twin, array)
    return twin


def with_gradients(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> NetworkPlan:
    """The plan with its parameters and the places of their gradients.

    A number that is called like a learning rate, such as alpha, is a slope if the output depends on it.
    """
    by_output = bool(plan.forward or plan.output)
    fixed = replace(plan, rates=())
    rates = [
        slot for slot in plan.rates
        if not by_output or not _depends(one.made.instance, fixed, (slot,), x, labels, randomness)
    ]  # fmt: skip
    plan = replace(plan, rates=tuple(rates))
    aliases, unused = parameters_of_network(one, plan, x, labels, randomness)
    plan = replace(plan, aliases=aliases, unused=unused)
    instance = moved_copy(one.made.instance, aliases)
    run = AdaptedNetwork(instance, plan, randomness).first_run(x, labels, 0.5)
    trained = _trained_numbers(one, plan, instance, run, x, labels, randomness)
    if trained:
        plan = replace(plan, aliases=named_places([*aliases.values(), *((slot,) for slot in trained)]))
        instance = moved_copy(one.made.instance, plan.aliases)
    aliases, network = plan.aliases, AdaptedNetwork(instance, plan, randomness)
    run = network.first_run(x, labels, 0.5)
    run.forward()
    before = {slot: array.copy() for slot, array in array_slots(run.thing)}
    run.call_gradient()
    returned = leaves(numbers_as_arrays(run.returned)) if not is_user_object(run.returned) else []
    if len(returned) == 1 and returned[0][1].ndim == 0:
        returned = []  # a single number is a loss
    kept = [
        (slot, array) for slot, array in array_slots(run.thing)
        if array.dtype.kind == "f" and (slot not in before or not np.array_equal(before[slot], array))
    ]  # fmt: skip
    own = {slot for slots in aliases.values() for slot in slots}
    stepped = [name for name, slots in aliases.items() if not np.array_equal(slots[0].get(run.thing), run.before[name])]
    if stepped:
        grads = {name: Kept("step") for name in stepped}
    else:
        grads = {name: trained[slots[0]] for name, slots in aliases.items() if slots[0] in trained}
        grads |= match(
            {name: (slots[0], network.params[name]) for name, slots in aliases.items() if name not in grads},
            [row for row in kept if row[0] not in own],
            [row for row in returned if row[1].size > 0],
        )
        numbers = [row for row in returned if row[1].size == 1 and Kept("returned", row[0]) not in grads.values()]
        for name, array in network.params.items():  # a bias of one entry, whose gradient is a number
            if name not in grads and array.size == 1 and numbers:
                grads[name] = Kept("returned", numbers.pop(0)[0])
        own_slots = {name: slots[0] for name, slots in aliases.items()}
        grads |= _of_other_shapes(own_slots, grads, [slot for slot, _ in returned])
        grads = {name: place for name, place in grads.items() if _is_array(place, run)}
    if not stepped and not by_output:
        plan = replace(plan, rates=tuple(slot for slot in plan.rates if slot.key.lower() != "alpha"))
    return replace(plan, grads=grads, steps=bool(stepped))


def _of_other_shapes(own: dict[str, Slot], grads: dict[str, Kept], returned: list[Slot]) -> dict[str, Kept]:
    """Gradients at the place in a returned list that parameters have in theirs, of any shape.

    With that of `weights[1]` in `result[0][1]`, that of `weights[0]` is `result[0][0]`.
    """
    found: dict[str, Kept] = {}
    used = {place.slot for place in grads.values()}
    for name in (name for name in own if name not in grads):
        for other, place in grads.items():
            is_beside = own[other].parent == own[name].parent and own[other].steps[-1:] == place.slot.steps[-1:]
            if is_beside and place.where == "returned":
                found[name] = Kept("returned", Slot((*place.slot.steps[:-1], own[name].steps[-1])))
    return {name: place for name, place in found.items() if place.slot in returned and place.slot not in used}


def _trained_numbers(
    one: Instance, plan: NetworkPlan, instance: Any, run: NetworkRun, x: Array, labels: Array, randomness: Randomness
) -> dict[Slot, Kept]:
    """The numbers, and lists of these, that the output depends on and that have a gradient or a step.

    Without a forward, they are those that are called like a bias. Raises ValueError if the step makes an array of one,
    as it does with targets of another shape than the code takes.
    """
    run.forward()
    start = {slot: array.copy() for slot, array in number_leaves(run.thing)}
    own = dict(number_leaves(instance))
    arrays = {slot: array.copy() for slot, array in array_slots(run.thing)}
    run.compute()
    kept = [row for row in number_leaves(run.thing) if row[0] not in start or not np.array_equal(start[row[0]], row[1])]
    kept += [
        row for row in array_slots(run.thing) if row[0] not in arrays or not np.array_equal(arrays[row[0]], row[1])
    ]
    returned = [] if is_user_object(run.returned) else [*leaves(run.returned), *number_leaves(run.returned)]
    candidates = {slot: array for slot, array in start.items() if slot in own and np.array_equal(own[slot], array)}
    if not (plan.forward or plan.output):  # what the step depends on may be a counter or a rate
        candidates = {slot: array for slot, array in candidates.items() if BIAS_NAME.match(slot.key)}
    found = trained_numbers(candidates, run.thing, kept, returned, len(x))
    used: dict[Slot, Kept] = {}
    if any(array.shape != candidates[slot].shape and place.where == "step" for slot, (array, place) in found.items()):
        raise ValueError("a number becomes an array")
    for slot, (array, place) in found.items():
        with contextlib.suppress(Exception):  # no number can be there that is not a whole one
            if array.shape == candidates[slot].shape and _depends(instance, plan, (slot,), x, labels, randomness):
                used[slot] = place
    return used


def numbers_as_arrays(tree: Any) -> Any:
    """Returned tuples, lists and dicts with numbers as arrays without axes; None becomes an empty tuple."""
    if isinstance(tree, dict):
        return {key: numbers_as_arrays(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        rows = tuple(numbers_as_arrays(value) for value in tree)
        return type(tree)(*rows) if hasattr(tree, "_fields") else rows
    if isinstance(tree, float | np.number):
        return np.asarray(tree)
    return () if tree is None else tree


def _is_array(place: Kept, run: NetworkRun) -> bool:
    found = np.asarray(place.slot.get(run.returned if place.where == "returned" else run.thing))
    return found.dtype.kind in "fi"


def parameters_of_network(
    one: Instance, plan: NetworkPlan, x: Array, labels: Array, randomness: Randomness
) -> tuple[Aliases, tuple[str, ...]]:
    """The arrays that the output or the gradient call depends on, and the names of those that look like weights."""
    start = off_zero(one.made.instance)
    try:
        AdaptedNetwork(start, plan, randomness).first_run(x, labels, 0.5).compute()
    except Exception:
        start = one.made.instance  # an array of zeros other than weights, such as a counter

    def depends(slots: tuple[Slot, ...]) -> bool | None:
        is_fixed = slots[0].steps[0] == (".", "_fixed")  # of FunctionalNetwork
        return _depends(start, plan, slots, x, labels, randomness) or (None if is_fixed else False)

    data, by_output = {slot for slot, _ in one.data}, bool(plan.forward or plan.output)
    return parameters_of(one.made.instance, depends, data, by_output=by_output)


def _depends(
    instance: Any, plan: NetworkPlan, slots: tuple[Slot, ...], x: Array, labels: Array, randomness: Randomness
) -> bool:
    """Whether the output, or without one the result of the gradient call, changes with an array."""
    found = []
    for shift in (0.0, 0.1):
        twin = copy.deepcopy(instance)
        array = np.array(slots[0].get(twin), np.float64)
        array = array + 0.01 + shift * (1 + np.random.default_rng(3).random(array.shape))
        for slot in slots:
            slot.set(twin, array.copy())
        network = AdaptedNetwork(twin, plan, randomness)
        run = network.first_run(x, labels, 0.5)
        if plan.forward or plan.output:
            found.append([np.array(value) for _, value in leaves(numbers_as_arrays(run.output()))])
        else:
            run.call_gradient()
            moved = np.asarray(slots[0].get(run.thing)) - array
            found.append([moved, *(np.array(value) for _, value in leaves(numbers_as_arrays(run.returned)))])
    return any(not np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True) for a, b in zip(*found, strict=False))
