"""The Found of a layer: the ways to read its best attempt, each with its calls in words."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import Given, adapt_instance
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.layer_attempts import is_out_of_bounds
from nnlaw.spec.discovery.layer_cases import layer_case, raising_cases
from nnlaw.spec.discovery.layer_forward import FIRST
from nnlaw.spec.discovery.layer_gradients import Attempt
from nnlaw.spec.discovery.layer_methods import INCOMING, STORED_X, STORED_Y
from nnlaw.spec.discovery.match_gradients import Kept
from nnlaw.spec.discovery.nothing import class_location
from nnlaw.spec.discovery.recipes import recipe_of_class
from nnlaw.spec.discovery.remarks import remarks_of_layer
from nnlaw.spec.discovery.scope import required_of
from nnlaw.spec.discovery.slots import Slot
from nnlaw.spec.discovery.source_text import nodes_of
from nnlaw.spec.discovery.summed_steps import summing_method_of_layer, sums_steps
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.traceback_location import raised_at
from nnlaw.spec.violation import Location


def found_of(best: Attempt, name: str, style: str, kind: type) -> Found:
    """The Found of the best attempt; not checked if backward failed on all."""
    location = class_location(kind)
    plan = best.plan
    calls = describe(best, name)
    if best.layer is None:
        error = best.error
        assert error is not None
        place = raised_at(error)
        at = f" at line {place.line}" if place.line else ""
        dy_alone = [given.what for given in plan.backward_arguments] == ["dy"]
        is_layer = any(len(p) for p in plan.aliases.values()) or (is_out_of_bounds(error) and best.x.ndim > 2)
        if best.always_raises and dy_alone and place.path and is_layer:
            reading = Reading(calls, partial(raising_cases, name, plan.backward, error), ("the output",))
            return Found("layer", name, style, location, kind, (reading,))
        reason = f"{plan.backward} raised {type(error).__name__}{at}: {text_of(error)}"
        return Found("layer", name, style, location, kind, reason=reason)
    layer = best.layer
    layer.recipe = recipe_of_class(best.made, plan, kind.__name__)
    step = summing_method_of_layer(layer, best.x, kind)
    if step:
        cases = partial(sums_steps, name, Location.of(getattr(kind, step)))
        return Found("layer", name, style, location, kind, (Reading(calls, cases, compared_arrays(best)),))
    reading = Reading(
        calls,
        partial(layer_case, name, layer, best.x.shape, plan.integers, best.made),
        compared_arrays(best),
        dict(best.missing),
        (*best.notes, *remarks_of_layer(layer, best.x)),
    )
    readings = (
        reading, *_derivatives_alone(best, reading, name), *_one_gradient_only(best, reading, name),
        *_input_for_output(best, reading, name),
    )  # fmt: skip
    others = tuple(_other_outputs(best, reading, name))
    takes_first = any((given.what, given.value) == ("item", 0) for given in plan.backward_arguments)
    readings = (*others, *readings) if takes_first else (*readings, *others)
    return Found("layer", name, style, location, kind, readings)


def _input_for_output(best: Attempt, reading: Reading, name: str) -> Iterator[Reading]:
    """For a backward whose argument may be the input or the output, as z and what forward calls both: the other one."""
    layer = best.layer
    assert layer is not None
    rows = required_of(getattr(type(layer.instance), layer.plan.backward, None), bound=True)
    first = [row.name for row in required_of(getattr(type(layer.instance), layer.plan.forward, None), bound=True)][:1]
    other = {"x": Given("y"), "y": Given("x", 0)}
    both = set(first) & set(layer.plan.items[:1])
    swapped = tuple(
        other[given.what] if given.what in other and i < len(rows)
        and (rows[i].name in both or is_either(rows[i].name, first)) else given
        for i, given in enumerate(layer.plan.backward_arguments)
    )
    if swapped != layer.plan.backward_arguments and len(layer.plan.inputs) == 1:
        changed = adapt_instance(layer.instance, replace(layer.plan, backward_arguments=swapped), layer.randomness)
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            dx = changed.backward(np.ones_like(changed.forward(best.x)))
            if dx is not None and np.shape(dx) == best.x.shape:
                cases = partial(layer_case, name, changed, best.x.shape, layer.plan.integers, best.made)
                yield replace(reading, calls=describe(replace(best, plan=changed.plan), name), cases=cases)


def _other_outputs(best: Attempt, reading: Reading, name: str) -> Iterator[Reading]:
    """For a forward that returns several arrays of one shape and one incoming gradient: the others as the output."""
    layer = best.layer
    assert layer is not None
    plan = layer.plan
    if plan.output != FIRST or plan.more or len(plan.inputs) > 1:
        return
    for i in range(1, len(plan.items)):
        other = adapt_instance(
            layer.instance, replace(plan, output=Kept("returned", Slot((("[", i),)))), layer.randomness
        )
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            y = other.forward(best.x)
            dx = other.backward(np.ones_like(y))
            is_like_first = y.dtype.kind == "f" and y.shape == layer.forward(best.x).shape
            if is_like_first and dx is not None and np.shape(dx) == best.x.shape:
                cases = partial(layer_case, name, other, best.x.shape, plan.integers, best.made)
                calls = f"{reading.calls}; the output is result[{i}]"
                yield replace(reading, calls=calls, cases=cases)


def is_either(name: str, first: list[str]) -> bool:
    """Whether an argument of backward may be the input or the output of forward, whose first argument is named."""
    return name not in first and (name.lower() in ("z", "h") or not (STORED_X.match(name) or STORED_Y.match(name)))


def _one_gradient_only(best: Attempt, reading: Reading, name: str) -> Iterator[Reading]:
    """For a layer called with one sample, whose backward uses the first entry of dy that is not 0 alone.

    The gradient of a cross-entropy by probabilities has a single one.
    """
    layer = best.layer
    assert layer is not None
    if layer.plan.layout.single and skips_zeros(getattr(type(layer.instance), layer.plan.backward, None)):
        single = adapt_instance(layer.instance, replace(layer.plan, entry=1), layer.randomness)
        cases = partial(layer_case, name, single, best.x.shape, layer.plan.integers, best.made)
        yield replace(reading, calls=f"{reading.calls}; dy is 0 but for one entry", cases=cases)


def skips_zeros(function: Any) -> bool:
    """Whether a function has a loop that skips entries and returns at the first other one."""
    for loop in (node for node in nodes_of(function) if isinstance(node, ast.For)):
        skips = any(isinstance(node, ast.Continue) for node in ast.walk(loop))
        if skips and any(isinstance(node, ast.Return) for node in loop.body):
            return True
    return False


def _derivatives_alone(best: Attempt, reading: Reading, name: str) -> Iterator[Reading]:
    """For a layer without parameters whose backward takes one argument: readings as a derivative of input or output."""
    layer = best.layer
    assert layer is not None
    if layer.params or [given.what for given in layer.plan.backward_arguments] != ["dy"] or len(layer.plan.inputs) > 1:
        return
    rows = required_of(getattr(type(layer.instance), layer.plan.backward, None), bound=True)
    if not rows or INCOMING.match(rows[0].name):
        return
    for what, text in (("x", "x"), ("y", "y")):
        plan = replace(layer.plan, backward_arguments=(Given(what, 0),), multiplies=True)
        alone = adapt_instance(layer.instance, plan, layer.randomness)
        dx: Array | None = None
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            dx = alone.backward(np.ones_like(alone.forward(best.x)))
        if dx is None or np.shape(dx) != best.x.shape:
            continue
        calls = f"{best.made.call(name)}.{plan.forward}(x), dx = dy · {plan.backward}({text}); {plan.layout.describe}"
        cases = partial(layer_case, name, alone, best.x.shape, plan.integers, best.made)
        yield replace(reading, calls=calls, cases=cases)


def compared_arrays(attempt: Attempt) -> tuple[str, ...]:
    """The arrays whose gradients are compared, with their shapes."""
    layer = attempt.layer
    assert layer is not None
    found = [f"x {attempt.x.shape}"] if layer.has_dx else []
    return (*found, *(f"{name} {layer.params[name].shape}" for name in layer.plan.grads))


def describe(attempt: Attempt, name: str) -> str:
    """How the class is called: `Dense(4, 3).forward(x), then backward(dy, rate); samples are rows`."""
    plan = attempt.plan
    words = {"x": "x", "dy": "dy", "y": "y", "rate": "learning_rate", "optimizer": "optimizer", "returned": "result",
             "cache": "cache", "gradients": "{}", "count": "N"}  # fmt: skip

    def shown(given: Given) -> str:
        text = words.get(given.what) or (given.value.name if given.what == "slot" else repr(given.value))
        text = f"result[{given.value}]" if given.what == "item" else text
        if isinstance(given.value, np.ndarray):
            text = f"{'a mask' if given.value.any() else 'zeros'} {given.value.shape}"
        if given.what == "x" and len(plan.inputs) > 1:
            text = f"x{given.value}"
        if given.what == "dy" and plan.more:
            text = f"dy{given.value or 0}"
        return f"{given.keyword}={text}" if given.keyword else text

    forward = f"{plan.forward}({', '.join(map(shown, plan.forward_arguments))})"
    backward = f"{plan.backward}({', '.join(map(shown, plan.backward_arguments))})"
    before = "".join(f"; {slot.name} = dy before it" for slot, _ in plan.preset)
    before += ", whose result is multiplied by dy" if plan.multiplies else ""
    if plan.after is not None:
        before += f", {plan.after[0]}({', '.join(map(shown, plan.after[1]))})"
    return f"{attempt.made.call(name)}.{forward}, then {backward}{before}; {plan.layout.describe}"
