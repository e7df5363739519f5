"""Check that backward returns the gradient of forward: for a function, a layer and a model.

    check_gradient(f, x, gradient)      check_layer(layer, x, rng)      check_model(model, x, labels, rng)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.batch_size_probe import LargerBatch, factor_at_larger_batch, larger_batch_rows
from nnlaw.spec.gradcheck.explain import NOT_COMPUTED
from nnlaw.spec.gradcheck.finite_differences import (
    MAX_FULL_CHECK,
    check_finite,
    check_shape,
    measure,
    raise_if_wrong,
)
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.reference import numeric_constants
from nnlaw.spec.subjects.copies import copy_with_generators, generator_states
from nnlaw.spec.violation import Location, Violation

MIN_LOSS = 1.0  # a trained model's loss may be near zero, but terms of this size cancel in it and leave roundoff


def check_gradient(
    f: Callable[[Array], float],
    x: Array,
    gradient: Array,
    *,
    name: str = "gradient",
    rng: np.random.Generator | None = None,
) -> None:
    """Check `gradient`, of the shape of x, against the slopes of the scalar function f at x.

    Raises Violation (law `gradient`) if they differ, Inconclusive if too many coordinates are at kinks.
    """
    point = np.array(x, np.float64, order="C")
    check_shape(name, np.asarray(gradient), point, Location())
    found = measure(
        lambda: float(f(point)),
        point,
        np.asarray(gradient),
        name=name,
        scale=abs(float(f(point))),
        rng=rng or np.random.default_rng(0),
    )
    raise_if_wrong(found, location=Location.of(f), samples=len(point) if point.ndim else 1, gradient=point)


def check_layer(layer: Any, x: Array, rng: np.random.Generator, *, path: str = "") -> None:
    """Check `backward` of a layer: the gradient of its input and of every parameter.

    The scalar function is L = Σ dy·forward(x) with Gaussian dy, (N, ...) like the output. With ones, the gradient of a
    softmax would be 0, and mistakes in it would not show. Raises Violation or Inconclusive.
    """
    template = in_float64(layer)
    template.needs_dx = True
    point = np.array(x, np.float64, order="C")
    twin, generators = copy_with_generators(template)
    previous = {name: np.array(g) for name, g in (getattr(twin, "grads", None) or {}).items()}
    y = np.array(twin.forward(point))  # copied: the layer may reuse this array for its next output
    dy = rng.standard_normal(y.shape)
    states = generator_states(generators)
    dx = twin.backward(dy)  # before any other forward, which may overwrite a shared cache
    random_backward = generator_states(generators) != states
    float32 = y.dtype != np.float64 or _rounds_to_float32(template, point, y)
    unit = path or type(layer).__name__
    backward, forward = (Location.of(f, unit) for f in (type(layer).backward, type(layer).forward))
    check_finite("output", y, forward)  # if the output is wrong, so is its gradient
    params = getattr(template, "params", None) or {}
    grads = getattr(twin, "grads", None) or {}
    _check_complete(params, grads, backward, lambda name: f"grads[{name!r}]")
    targets = {"dx": (point, dx)} | {f"d{name}": (params[name], grads[name]) for name in params}
    repeatable = _is_repeatable(template, point)

    def loss() -> float:
        each = template if repeatable else copy.deepcopy(template)
        return float(np.vdot(dy, each.forward(point)))

    scale = float(np.abs(dy * y).sum())
    for name, (array, gradient) in targets.items():
        check_shape(name, gradient, array, backward, len(point))
        found = measure(loss, array, gradient, name=name, scale=scale, rng=rng, float32=float32)
        clues = Clues(dy=dy, array=array, previous=previous.get(name[1:]), constants=numeric_constants(layer))
        clues.random_backward = random_backward
        clues.others = {f"d{other}": np.asarray(grads[other]) for other in grads if f"d{other}" != name}
        clues.other_factor = lambda name=name: factor_at_larger_batch(
            lambda: _larger_batch(template, point, dy, name), float32
        )
        if name == "dx":
            clues.x, clues.y = point, y
            clues.jacobian = lambda: _jacobian(template, point, y)
        elif array.size <= MAX_FULL_CHECK:
            clues.from_sample = lambda i, array=array: _slopes_from_sample(template, point, dy, i, array)
        raise_if_wrong(
            found,
            location=backward,
            samples=len(point),
            gradient=np.asarray(gradient),
            clues=clues,
            forward=forward,
            parameter="" if name == "dx" else name[1:],
        )


def _larger_batch(layer: Any, x: Array, dy: Array, name: str) -> LargerBatch:
    rows = larger_batch_rows(len(x))
    point, slope, twin, other = x[rows], dy[rows], copy.deepcopy(layer), copy.deepcopy(layer)
    twin.forward(point)
    found = {"dx": (point, twin.backward(slope))}
    found |= {f"d{own}": (array, twin.grads[own]) for own, array in (getattr(other, "params", None) or {}).items()}
    return LargerBatch(lambda: float(np.vdot(slope, copy.deepcopy(other).forward(point))), *found[name], len(point))


def _rounds_to_float32(layer: Any, x: Array, y: Array) -> bool:
    """Whether forward ignores a relative change of 1e-12, but not of 1e-3: it computes in float32 inside."""
    changes = [not np.array_equal(copy.deepcopy(layer).forward(x * (1 + change)), y) for change in (1e-12, 1e-3)]
    return changes == [False, True]


def _jacobian(layer: Any, x: Array, y: Array) -> Array | None:
    """∂y/∂x as (y.size, x.size) by central differences; None if x is too large."""
    if x.size > MAX_FULL_CHECK:
        return None
    columns = np.empty((y.size, x.size))
    for j, index in enumerate(np.ndindex(x.shape)):
        sides = []
        for h in (1e-5, -1e-5):
            moved = x.copy()
            moved[index] += h
            sides.append(np.array(copy.deepcopy(layer).forward(moved)).reshape(-1))
        columns[:, j] = (sides[0] - sides[1]) / 2e-5
    return columns


def _slopes_from_sample(layer: Any, x: Array, dy: Array, i: int, array: Array) -> Array:
    """The part of the gradient of `array`, a parameter of `layer`, that comes from sample i."""
    alone = np.zeros_like(dy)
    alone[i] = dy[i]
    flat, slopes = array.reshape(-1), np.empty(array.size)
    for j, old in enumerate(flat.copy()):
        sides = []
        for h in (1e-5, -1e-5):
            flat[j] = old + h
            sides.append(float(np.vdot(alone, copy.deepcopy(layer).forward(x))))
        flat[j] = old
        slopes[j] = (sides[0] - sides[1]) / 2e-5
    return slopes.reshape(array.shape)


def check_model(model: Any, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check the gradients that a whole model returns against the loss that it returns.

    Raises Violation or Inconclusive.
    """
    template = in_float64(model)
    point = np.array(x, np.float64)
    twin = copy.deepcopy(template)
    value, grads = twin.loss_and_grads(point, labels)
    location = Location.of(type(model).loss_and_grads, path)
    _check_complete(template.params, grads, location, lambda name: f"gradient of {name}")
    returned = {name: np.array(grads[name], np.float64) for name in template.params}
    repeatable = copy.deepcopy(twin).loss_and_grads(point, labels)[0] == value

    def loss() -> float:
        each = template if repeatable else copy.deepcopy(template)
        return float(each.loss_and_grads(point, labels)[0])

    for name, gradient in returned.items():
        array = template.params[name]
        check_shape(name, gradient, array, location)
        found = measure(loss, array, gradient, name=f"gradient of {name}", scale=max(MIN_LOSS, abs(value)), rng=rng)
        clues = Clues(array=array)
        clues.other_factor = lambda name=name: factor_at_larger_batch(
            lambda: _larger_batch_of_model(template, point, labels, name)
        )
        raise_if_wrong(
            found, location=location, samples=len(point), gradient=gradient, clues=clues, parameter=name
        )


def _larger_batch_of_model(model: Any, x: Array, labels: Array, name: str) -> LargerBatch:
    rows = larger_batch_rows(len(x))
    _, grads = copy.deepcopy(model).loss_and_grads(x[rows], labels[rows])
    twin = copy.deepcopy(model)

    def loss() -> float:
        return float(copy.deepcopy(twin).loss_and_grads(x[rows], labels[rows])[0])

    return LargerBatch(loss, twin.params[name], np.array(grads[name], np.float64), len(rows))


def check_along(model: Any, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check a whole model along one random direction through all its parameters, which takes only a few losses.

    Raises Violation.
    """
    template = in_float64(model)
    point = np.array(x, np.float64)
    direction = {name: rng.standard_normal(array.shape) for name, array in template.params.items()}
    value, grads = copy.deepcopy(template).loss_and_grads(point, labels)
    location = Location.of(type(model).loss_and_grads, path)
    _check_complete(template.params, grads, location, lambda name: f"gradient of {name}")
    line = _along(template, point, labels, direction)
    name, rows = "the gradient of all parameters", larger_batch_rows(len(point))
    found = measure(line.function, line.array, line.gradient, name=name, scale=max(MIN_LOSS, abs(value)), rng=rng)
    found.indices = [None] * len(found.indices)
    clues = Clues()
    clues.other_factor = lambda: factor_at_larger_batch(
        lambda: _along(template, point[rows], labels[rows], direction)
    )
    raise_if_wrong(found, location=location, samples=len(point), gradient=line.array, clues=clues)


def _along(model: Any, x: Array, labels: Array, direction: Mapping[str, Array]) -> LargerBatch:
    """The loss as a function of the distance along a direction, and its slope according to the model."""
    _, grads = copy.deepcopy(model).loss_and_grads(x, labels)
    slope = sum(float(np.vdot(grads[name], step)) for name, step in direction.items())
    distance = np.zeros(1)

    def loss() -> float:
        each = copy.deepcopy(model)
        for name, step in direction.items():
            each.params[name] = model.params[name] + float(distance[0]) * step
        return float(each.loss_and_grads(x, labels)[0])

    return LargerBatch(loss, distance, np.array([slope]), len(x))


def in_float64(thing: Any) -> Any:
    """A deep copy with `params`, `grads` and `state` in float64: float32 is too coarse for finite differences."""
    twin = copy.deepcopy(thing)
    for holder in ("params", "grads", "state"):
        arrays: Mapping[str, Array] | None = getattr(twin, holder, None)
        for name in list(arrays or {}):
            array = np.asarray(arrays[name])  # type: ignore[index]  # a list of names of None is empty
            if array.dtype.kind == "f":
                getattr(twin, holder)[name] = array.astype(np.float64, order="C")
    return twin


def _check_complete(
    params: Mapping[str, Array], grads: Mapping[str, Array], location: Location, array: Callable[[str], str]
) -> None:
    """Raise a Violation if a parameter has no gradient; `array(name)` is what to call it."""
    for name in params:
        if name not in grads:
            raise Violation(
                "gradient",
                location=location,
                array=array(name),
                parameter=name,
                actual="missing",
                expected="an array of the parameter's shape",
                cause="the gradient is never computed",
                cause_code=NOT_COMPUTED.code,
            )


def _is_repeatable(layer: Any, x: Array) -> bool:
    """Whether forward uses no random numbers and returns the same twice, so that one instance can be measured."""
    twin, generators = copy_with_generators(layer)
    states = generator_states(generators)
    first = np.array(twin.forward(x))
    return bool(np.array_equal(first, twin.forward(x))) and generator_states(generators) == states
