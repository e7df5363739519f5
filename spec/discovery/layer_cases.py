"""The cases of a layer: as found, with second values of its settings, another stride, and images of one channel."""

from __future__ import annotations

import contextlib
import copy
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.adapted_layer import AdaptedLayer, adapt_instance, steps_in
from nnlaw.spec.discovery.calls import Made, indices, standard_input
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.layer_attempts import attempts
from nnlaw.spec.discovery.layer_setup import prepared
from nnlaw.spec.discovery.second_settings import (
    second_instance,
    with_other_counts,
    with_other_stride,
    with_other_texts,
    with_other_windows,
    with_settings,
)
from nnlaw.spec.discovery.slots import attributes_of
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.subjects.cases import Case, LayerCase
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.traceback_location import raised_at
from nnlaw.spec.violation import Violation


def raising_cases(name: str, method: str, error: Exception, seed: int) -> list[Case]:
    """The cases of a layer whose backward raises for every gradient of its output: its violation of `shape`."""
    place = raised_at(error)
    raise Violation(
        "shape",
        location=replace(place, unit=name, method=method),
        actual=f"raised {type(error).__name__}: {text_of(error)}",
        expected="no exception for a gradient of the output's shape",
        cause_code="exception",
    )


def layer_case(
    name: str, layer: AdaptedLayer, shape: tuple[int, ...], integers: int, made: Made | None, seed: int
) -> list[Case]:
    """The case of a layer, and one at second values of its settings, if it can be constructed with them."""
    x = standard_input(shape, seed)
    if integers:
        x = indices(shape, integers, seed)
    first = LayerCase(name, subject_of(copy.deepcopy(layer)), x, seed=seed, name=name, registered=False)
    first.recipe = layer.recipe
    found: list[Case] = [first]
    for others in (second_layer, strided_layer, counted_layers, layers_with_other_texts, stepping_layer, tensor_layer):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            for other, what, point in others(layer, made, x):
                second = replace(first, layer=subject_of(other), path=name + what, is_second=True, recipe=None)
                found.append(replace(second, x=point))
    return found


Others = Iterator[tuple[AdaptedLayer, str, Array]]
"""Other layers, each with what is other, as "(alpha=0.7)", and an input."""


def stepping_layer(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with an optimizer, where an attribute for one is None and backward takes a step if it is set.

    The gradients must be those of the weights before the step.
    """
    own = attributes_of(layer.instance)
    names = [name for name, value in own.items() if value is None and OPTIMIZERS.search(name)]
    if not names or len(layer.plan.inputs) != 1 or any(place.where == "step" for place in layer.plan.grads.values()):
        return
    thing = copy.deepcopy(layer.instance)
    for name in names:
        setattr(thing, name, Step(0.5))
    changed = adapt_instance(thing, layer.plan, layer.randomness)
    dx = changed.backward(np.ones_like(changed.forward(x)))
    after = [places[0].get(changed.runs[0].thing) for places in layer.plan.aliases.values()]
    moved = any(not np.array_equal(array, old) for array, old in zip(after, layer.params.values(), strict=True))
    if moved and dx is not None and dx.shape == x.shape:
        yield changed, f"({', '.join(f'{each}=optimizer' for each in names)})", x


OPTIMIZERS = re.compile(r"optimi[sz]er|^_*opt_*$", re.I)


def tensor_layer(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with the same numbers as images of one channel, if forward flattens these, and dx is of their shape.

    It must be if the text of forward has inputs of any number of axes: (N, d_1, ..., d_k).
    """
    plan, size = layer.plan, x.shape[-1]
    if plan.layout.name != "rows" or plan.inputs != ((size,),) or plan.integers or size % 2 or size == 2:
        return
    shape = (1, 2, size // 2)  # no order of the axes but this one has these sizes
    wide, point = adapt_instance(copy.deepcopy(layer.instance), replace(plan, inputs=(shape,)), layer.randomness), (
        x.reshape(len(x), *shape)
    )
    y = wide.forward(point)
    if np.array_equal(y, layer.forward(x)):
        dx = wide.backward(np.ones_like(y))
        written = ANY_AXES.search(source_text(layer.source_of("forward")))
        if dx is not None and (dx.shape == point.shape or written):
            yield wide, f"(x (N, {', '.join(map(str, shape))}))", point


ANY_AXES = re.compile(r"\(N, *(d_?\{?1\}?, *)?\.\.\.|\(N, *\*\)")


def strided_layer(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with another stride, and an input that its windows cover, if backward does not refuse it."""
    found = with_other_stride(layer.instance, made.settings if made is not None else {})
    if found is None or len(layer.plan.inputs) != 1 or layer.plan.integers or x.ndim < 3:
        return
    thing, changed = found
    for name, places in layer.plan.aliases.items():
        for place in places:
            place.set(thing, layer.params[name].copy())

    def at(shape: tuple[int, ...]) -> AdaptedLayer:
        return adapt_instance(thing, replace(layer.plan, inputs=(shape,)), layer.randomness)

    def output_of(shape: tuple[int, ...]) -> tuple[int, ...]:
        return at(shape).forward(standard_input((len(x), *shape), 0)).shape

    shape = x.shape[1:]
    if output_of(shape) == layer.forward(x).shape:
        return  # the stride has no effect
    for axis in range(len(shape)):
        for size in (shape[axis], shape[axis] + 1):
            longer, shorter = ((*shape[:axis], each, *shape[axis + 1 :]) for each in (size, size - 1))
            with contextlib.suppress(Exception):
                if output_of(longer) != output_of(shorter):
                    shape = longer
                    break
    point = standard_input((len(x), *shape), 1)
    second = at(shape)
    y = second.forward(point)
    try:
        dx = second.backward(np.ones_like(y))
        fits = dx is not None and dx.shape == point.shape
    except (ValueError, IndexError):
        fits = True  # forward takes this stride, so the law reports what backward raises
    if fits and is_finite(y):
        yield second, with_settings("", changed), point


def counted_layers(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with another number of heads, groups, layers, ..., of each the first that runs for the same inputs.

    So is one with smaller windows, if they cover a whole image: then no mistake in where they start can be seen.
    """
    plan, done = layer.plan, set[str]()
    if made is None:
        return
    others = with_other_counts(layer.instance, made.settings)
    if x.ndim == 4 and sorted(layer.forward(x).shape[1:])[:2] == [1, 1]:
        others = itertools.chain(others, with_other_windows(layer.instance, made.settings, x.shape[1:]))
    for thing, changed in others:
        if not done & changed.keys():
            tries = attempts(
                replace(made, instance=thing), (plan.forward, plan.backward), layer.randomness,
                [(plan.layout, plan.inputs, plan.integers)],
            )  # fmt: skip
            best = next((attempt for attempt in tries if attempt.perfect), None)
            if best is not None and best.layer is not None:
                done |= changed.keys()
                yield best.layer, with_settings("", changed), x


def layers_with_other_texts(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with each other text of a setting, such as activation="tanh", that changes its output."""
    for thing, changed in with_other_texts(layer.instance, made.settings) if made is not None else ():
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            other = _like(layer, thing)
            y = other.forward(x)
            if is_finite(y) and not np.allclose(y, layer.forward(x)) and not _passes_on(other, x):
                yield other, with_settings("", changed), x


def _passes_on(layer: AdaptedLayer, x: Array) -> bool:
    """Whether dx is dy, or dy times the weights, without the slope of an activation: that may be part of a loss."""
    layer = copy.deepcopy(layer)
    y = layer.forward(x)
    dy = np.random.default_rng(7).standard_normal(y.shape)
    dx = layer.backward(dy)
    weights = [each for array in layer.params.values() if array.ndim == 2 for each in (array, array.T)]
    found = [dy, *(dy @ each for each in weights if each.shape == (dy.shape[-1], x.shape[-1]))]
    return dx is not None and any(each.shape == dx.shape and np.allclose(each, dx) for each in found)


def _like(layer: AdaptedLayer, thing: Any) -> AdaptedLayer:
    """Another instance with the parameters of the layer, behind the same protocol."""
    if len(layer.plan.inputs) == 1:
        has_step = any(True for _ in steps_in(layer.instance))
        thing = prepared(Made(thing), layer.plan.inputs[0], optimizer=has_step).instance
    for name, places in layer.plan.aliases.items():
        for place in places:
            place.set(thing, layer.params[name].copy())
    return adapt_instance(thing, layer.plan, layer.randomness)


def second_layer(layer: AdaptedLayer, made: Made | None, x: Array) -> Others:
    """The layer with second values of its settings, if its output for x is then finite."""
    found = second_instance(layer.instance, made.settings if made is not None else {})
    if found is not None and is_finite((second := _like(layer, found[0])).forward(x)):
        yield second, with_settings("", found[1]), x
