"""One way to call a layer: where its backward leaves the gradients, and how good the attempt is."""

from __future__ import annotations

import ast
import contextlib
import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import RATES, AdaptedLayer, Plan, adapt_instance, unpacked
from nnlaw.spec.discovery.calls import Made, Randomness
from nnlaw.spec.discovery.hidden_parameters import hidden_parameters
from nnlaw.spec.discovery.layer_forward import depends_on, output_of
from nnlaw.spec.discovery.layer_methods import is_rate
from nnlaw.spec.discovery.match_gradients import Kept, match
from nnlaw.spec.discovery.parameters import named_places
from nnlaw.spec.discovery.slots import UNUSED, Slot, array_slots, attributes_of, leaves, number_leaves
from nnlaw.spec.discovery.source_text import nodes_of
from nnlaw.spec.discovery.trained_numbers import names_in_updates, trained_numbers, under_their_names
from nnlaw.spec.subjects.gradient_names import is_gradient_of

DX_NAMES = (
    "dinputs", "dx", "dX", "dinput", "input_gradient", "grad_input", "input_grad", "d_input", "d_x", "grad_x",
    "dA_prev", "grad", "gradient", "delta", "dvalues", "d_inputs", "grad_inputs", "dprev", "dZ", "dL_dX",
)  # fmt: skip


@dataclass
class Attempt:
    """One way to call an instance, and the result. A higher score is better; 0 means that forward fails."""

    made: Made
    plan: Plan
    x: Array
    score: tuple[float, ...] = (0.0,)
    missing: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None
    notes: list[str] = field(default_factory=list)
    layer: AdaptedLayer | None = None
    numbers: dict[Slot, Kept] = field(default_factory=dict)
    """The places of the gradients of parameters that are numbers, or lists of these."""
    unknown: dict[str, str] = field(default_factory=dict)
    """Numbers that are changed in training, but whose gradient was not found."""
    searched: bool = False
    """Whether parameters among the numbers were looked for."""
    always_raises: bool = False
    """Whether backward raised a ValueError, such as one of shapes that do not fit, in each way that was tried."""
    swapped: tuple[int, ...] = ()
    """The shape of dx, if it has the sizes of x on other axes."""
    reshaped: tuple[int, ...] = ()
    """The shape of dx of one sample, if it has the entries of x in another shape: forward may reshape its input."""

    @property
    def perfect(self) -> bool:
        """Whether forward and backward ran and every gradient has the shape of its array."""
        return self.score[0] >= 3 and not self.missing


NO_GRADIENT = "no gradient was found"
KEPT_MASK = "a random mask of the first call is kept; draw one in each call"


def complete(attempt: Attempt, randomness: Randomness) -> None:
    """Run forward and backward, find where the gradients are kept, and score the attempt."""
    plan, instance = attempt.plan, attempt.made.instance
    layer = adapt_instance(instance, plan, randomness)
    y = layer.forward(attempt.x)
    run = layer.runs[0]
    thing = run.thing
    before = {slot: array.copy() for slot, array in array_slots(thing)}
    numbers = dict(number_leaves(thing))
    dy = np.random.default_rng(11).standard_normal(y.shape)
    run.backward([plan.layout.split(part)[0].copy() for part in unpacked(dy, layer.shapes)])
    kept = [
        (slot, array)
        for slot, array in array_slots(thing)
        if array.dtype.kind == "f" and (slot not in before or not _same(before[slot], array))
    ]
    new_numbers = [
        row for row in number_leaves(thing) if row[0] not in numbers or not _same(numbers[row[0]], row[1])
    ]
    returned = (leaves(run.returned) or number_leaves(run.returned)) if run.returned is not None else []
    if not attempt.searched:
        attempt.searched = True
        if _with_numbers(attempt, numbers, run, [*kept, *new_numbers], randomness):
            complete(attempt, randomness)
            return
    keys = {slots[0].key for slots in plan.aliases.values()}
    kept += [row for row in new_numbers if any(is_gradient_of(row[0].key, key) for key in keys)]
    places = {name: (slots[0], layer.params[name]) for name, slots in plan.aliases.items()}
    own = {slot for slots in plan.aliases.values() for slot in slots}
    stepped = [name for name, slots in plan.aliases.items() if not _same(slots[0].get(thing), run.before[name])]
    of_parameters = _are_of_parameters(returned, layer, run.inputs)
    shapes_of_params = {array.shape for array in layer.params.values()}
    found = () if of_parameters else _dx_places(plan, run.inputs, returned, kept, own, shapes_of_params)
    dx = tuple(found) or (None,) * len(run.inputs)
    if len(dx) == len(returned) == 1 and dx[0] is not None and dx[0].where == "returned":
        shape = returned[0][1].shape
        if shape != run.inputs[0].shape and shape in shapes_of_params:
            dx = (None,)
            attempt.missing["x"] = "backward returned an array of the shape of a parameter, not of x"
    if any(dx) and None in dx:
        attempt.missing["x"] = f"gradients of {len(dx) - dx.count(None)} of {len(dx)} inputs were found"
    used = {(place.where, place.slot) for place in dx if place is not None}
    grads = {name: attempt.numbers[slots[0]] for name, slots in plan.aliases.items() if slots[0] in attempt.numbers}
    used |= {(place.where, place.slot) for place in grads.values()}
    grads |= match(
        {name: place for name, place in places.items() if name not in grads},
        [row for row in kept if row[0] not in own and ("object", row[0]) not in used],
        [row for row in returned if ("returned", row[0]) not in used],
    )
    matched = {(place.where, place.slot) for place in grads.values()} | used
    attempt.unknown |= hidden_parameters(
        instance,
        layer.source_of("forward"),
        [row for row in kept if row[0] not in own and ("object", row[0]) not in matched],
        [row for row in returned if ("returned", row[0]) not in matched],
        partial(output_of, instance, plan, run.inputs),
    )
    rate = None
    given_after = plan.after[1] if plan.after is not None else ()
    if stepped and not any(given.what in ("rate", "optimizer") for given in (*plan.backward_arguments, *given_after)):
        rate = _own_rate(instance)
        instance = _without_momentum(instance)
    plan = replace(plan, dx=dx, rate=rate)
    for name in stepped:
        if name not in grads:
            grads[name] = Kept("step")
    for name in plan.aliases:
        if name not in grads:
            attempt.missing.setdefault(name, NO_GRADIENT)
    attempt.missing |= dict.fromkeys(plan.unused, UNUSED) | dict.fromkeys(plan.kept, KEPT_MASK)
    attempt.missing |= attempt.unknown
    lost = tuple(name for name in plan.aliases if name not in grads)
    aliases = {name: plan.aliases[name] for name in grads if name in plan.aliases}
    plan = replace(plan, grads=grads, aliases=aliases, without_gradient=lost)
    attempt.plan = plan
    attempt.layer = layer = adapt_instance(instance, plan, randomness)
    layer.forward(attempt.x)
    found_dx = layer.backward(dy)
    turned = tuple(name for name in layer.params if _is_turned(layer, name))
    if turned:
        attempt.plan = plan = replace(plan, transposed=turned)
        attempt.layer = layer = adapt_instance(instance, plan, randomness)
        layer.forward(attempt.x)
        found_dx = layer.backward(dy)
    _check_rates(attempt, layer, dy)
    right = sum(layer.grads[name].shape == array.shape for name, array in layer.params.items())
    shapes = right == len(layer.params)
    if found_dx is not None:
        shapes = shapes and found_dx.shape == attempt.x.shape
        if found_dx.shape != attempt.x.shape and sorted(found_dx.shape) == sorted(attempt.x.shape):
            attempt.swapped = found_dx.shape
        elif not shapes and found_dx.size == attempt.x.size and found_dx.shape[0] == len(attempt.x):
            attempt.reshaped = found_dx.shape[1:]
    elif plan.integers and _takes_fractions(layer, attempt.x):
        shapes = False
        attempt.missing["x"] = "the output changes continuously with it, but no gradient was found"
    elif plan.integers and not layer.params:
        attempt.missing["x"] = "no gradient was found for an input of integers"
    elif not plan.integers and "x" not in attempt.missing:
        if not layer.params:
            attempt.missing["x"] = "backward returned and kept no gradient of the input"
        elif np.array_equal(layer.forward(attempt.x), layer.forward(np.trunc(attempt.x))):
            attempt.missing["x"] = "forward converts it to integers"  # inputs of integers are tried later
        else:
            attempt.notes.append("dx: not computed")
    attempt.score = (3.0 if shapes else 2.0, -len(attempt.missing), right, found_dx is not None)


def _takes_fractions(layer: AdaptedLayer, x: Array) -> bool:
    """Whether the output for an input of integers changes continuously with it: it is not an index."""
    floats = adapt_instance(layer.instance, replace(layer.plan, integers=0), layer.randomness)
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        return not np.array_equal(floats.forward(x + 0.25), floats.forward(x + 0.3))
    return False


def _is_turned(layer: AdaptedLayer, name: str) -> bool:
    """Whether the gradient of a column is a row, or the reverse, and the class transposes what it assigns to it."""
    shape = layer.params[name].shape
    if layer.grads[name].shape != shape[::-1] or len(set(shape)) != 2 or 1 not in shape:
        return False
    slot = layer.plan.aliases[name][0]
    for method in nodes_of(type(slot.parent.get(layer.instance))):
        if isinstance(method, ast.FunctionDef) and method.name != "__init__":
            for node in ast.walk(method):
                named = isinstance(node, ast.Assign | ast.AugAssign) and _assigns(node, slot.key)
                if named and any(isinstance(each, ast.Attribute) and each.attr == "T" for each in ast.walk(node)):
                    return True
    return False


def _assigns(node: ast.Assign | ast.AugAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(each, ast.Attribute) and each.attr == name for each in targets)


def _steps_of_time(x: Array, returned: list[tuple[str, Slot, Array]]) -> list[tuple[str, Slot, Array]]:
    """The gradients of all steps of a sequence, if they are one list of arrays; else empty."""
    groups: dict[Slot, list[tuple[str, Slot, Array]]] = {}
    for row in returned:
        if row[1].steps and row[1].steps[-1][0] == "[" and row[2].shape == x.shape[1:]:
            groups.setdefault(row[1].parent, []).append(row)
    return next((rows for rows in groups.values() if len(rows) == len(x) > 1), [])


def _are_of_parameters(returned: list[tuple[Slot, Array]], layer: AdaptedLayer, inputs: list[Array]) -> bool:
    """Whether backward returned one array of the shape of each parameter, and no other."""
    shapes = sorted(array.shape for _, array in returned)
    own = sorted(array.shape for array in layer.params.values())
    return len(own) > 1 and shapes == own and not any(x.shape in shapes for x in inputs)


def _with_numbers(
    attempt: Attempt, numbers: dict[Slot, Array], run: Any, kept: list[tuple[Slot, Array]], randomness: Randomness
) -> bool:
    """Add the numbers that are parameters to the attempt; whether there are any.

    `numbers` are those before backward; what forward does not depend on, such as a counter, is left out.
    """
    plan, instance = attempt.plan, attempt.made.instance
    own = dict(number_leaves(instance))
    candidates = {slot: array for slot, array in numbers.items() if slot in own and _same(own[slot], array)}
    returned = [] if run.returned is None else [*leaves(run.returned), *number_leaves(run.returned)]
    renamed = under_their_names(run.layer.source_of("backward"), returned)
    rows = [(name, array) for name, (_, array) in zip(renamed, returned, strict=True)]
    trained = trained_numbers(candidates, run.thing, kept, rows, len(attempt.x))
    updated = {slot for slot in candidates if slot not in trained and slot.key in names_in_updates(type(instance))}
    instance = copy.deepcopy(instance)
    for slot in [*trained, *updated]:
        array, place = trained.get(slot, (candidates[slot], Kept("")))
        used = None
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if array.shape != candidates[slot].shape:
                slot.set(instance, array)
            used = depends_on(instance, plan, run.inputs, (slot,), randomness)
        if used and slot in updated:
            attempt.unknown[slot.name] = "a method changes it, but no gradient was found"
        elif used:
            slot.set(instance, array + 0.1 * np.random.default_rng(len(slot.name)).standard_normal(array.shape))
            attempt.numbers[slot] = replace(place, slot=renamed.get(place.slot, place.slot))
    if attempt.numbers:
        aliases = named_places([*plan.aliases.values(), *((slot,) for slot in attempt.numbers)])
        attempt.made, attempt.plan = replace(attempt.made, instance=instance), replace(plan, aliases=aliases)
    return bool(attempt.numbers)


def _same(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))


def _check_rates(attempt: Attempt, layer: AdaptedLayer, dy: Array) -> None:
    """A step must be proportional to the learning rate, else no gradient can be read from it, nor from one that an
    optimizer has normalized: it has the sign of dy, but not its size.
    """
    steps = [name for name, place in layer.plan.grads.items() if place.where == "step"]
    if not steps:
        return
    first = layer._backward(dy, RATES[0])[1]
    second = layer._backward(dy, RATES[1])[1]
    double, negative = (layer._backward(factor * dy, RATES[0])[1] for factor in (2, -1))
    for name in steps:
        if first[name].any() and all(
            first[name].shape == other.shape and np.allclose(first[name], other, rtol=1e-6, atol=1e-9)
            for other in (double[name], -negative[name])
        ):
            attempt.missing[name] = "backward changes it by a step whose size does not depend on that of dy"
        elif not (first[name].shape == second[name].shape and
                  np.allclose(first[name], second[name], rtol=1e-6, atol=1e-9)):  # fmt: skip
            attempt.missing[name] = (
                "backward changes it by a step that is not proportional to a known learning rate; name it: "
                f'check({type(layer.instance).__name__}, learning_rate="...")'
            )
    if any(name in attempt.missing for name in steps):
        kept = {name: place for name, place in layer.plan.grads.items() if name not in attempt.missing}
        aliases = {name: places for name, places in layer.plan.aliases.items() if name in kept}
        attempt.plan = replace(layer.plan, grads=kept, aliases=aliases)
        attempt.layer = adapt_instance(layer.instance, attempt.plan, layer.randomness)


def _own_rate(instance: Any) -> Slot | None:
    """The attribute that is a learning rate, or that of a part, such as a dict of settings, if there is one."""
    for name, value in attributes_of(instance).items():
        if is_rate(name) and isinstance(value, float | int):
            return Slot(((".", name),))
    in_dicts = [slot for slot, _ in number_leaves(instance) if len(slot.steps) == 2 and is_rate(str(slot.key))]
    return in_dicts[0] if len(in_dicts) == 1 else None


def _without_momentum(instance: Any) -> Any:
    """A copy of an instance that steps by itself, without momentum, which leaves only 1 − β of a first step."""
    thing = copy.deepcopy(instance)
    for slot, value in number_leaves(thing):
        if MOMENTUM.match(str(slot.key)) and value.ndim == 0 and 0 < value < 1:
            slot.set(thing, 0.0)
    return thing


MOMENTUM = re.compile(r"^_?(momentum|beta_?1?|mu|rho)$", re.I)


def _dx_places(
    plan: Plan,
    inputs: list[Array],
    returned: list[tuple[Slot, Array]],
    kept: list[tuple[Slot, Array]],
    own: set[Slot],
    shapes: set[tuple[int, ...]],
) -> Iterator[Kept | None]:
    """Where the gradient of each input is: the returned array, part of a returned tuple or dict, or an attribute.

    `shapes` are those of parameters, which an attribute such as `gradient` may belong to.
    """
    if plan.integers:
        yield from (None for _ in inputs)
        return
    used: set[tuple[str, Slot]] = set()
    for x in inputs:
        rows = [("returned", slot, array) for slot, array in returned]
        rows += [("object", slot, array) for slot, array in kept if slot not in own]
        rows = [row for row in rows if (row[0], row[1]) not in used]
        named = [row for name in DX_NAMES for row in rows if row[1].key == name]
        named += [row for row in rows if row[0] == "returned" and row[1].key in ("x", "X", "inputs", "input")]
        steps = _steps_of_time(x, [row for row in rows if row[0] == "returned"])
        if steps:
            used |= {(where, slot) for where, slot, _ in steps}
            yield Kept("returned", steps[0][1].parent)
            continue
        alone = [row for row in rows if row[0] == "returned" and (not row[1].steps or len(returned) == 1)]
        first = [row for row in rows if row[0] == "returned" and row[2].shape == x.shape]
        kept_named = [row for row in named if row[2].shape == x.shape]
        any_returned = [row for row in rows if row[0] == "returned"]
        found = alone[:1] or [row for row in kept_named if row[0] == "returned"] or first[:1] or kept_named
        found = found or [row for row in named if row[0] == "returned"][:1] or any_returned[:1]
        found = found or [row for row in named if row[2].shape not in shapes][:1]
        if found:
            used.add((found[0][0], found[0][1]))
            yield Kept(found[0][0], found[0][1])
        else:
            yield None
