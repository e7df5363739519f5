"""Is backward the gradient of forward? Checks of a function, a layer and a model.

    check_gradient(f, x, gradient)      check_layer(layer, x, rng)      check_model(model, x, labels, rng)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.batch_size_probe import Larger, again, larger
from nnlaw.spec.gradcheck.finite_differences import EVERY, accuse, finite, measure, same_shape
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.reference import numeric_constants
from nnlaw.spec.subjects.copies import copy_with_generators, generator_states
from nnlaw.spec.violation import Location, Violation

NEVER = "a gradient that is never computed"
LEAST = 1.0  # a trained model's loss may be next to nothing, yet in it terms of this size cancel and leave roundoff


def check_gradient(
    f: Callable[[Array], float],
    x: Array,
    gradient: Array,
    *,
    name: str = "gradient",
    rng: np.random.Generator | None = None,
) -> None:
    """Check `gradient`, of the shape of x, against the slopes of the scalar function f at x.

    Raises Violation (law `gradient`) where they differ, Inconclusive where too many coordinates lie on kinks.
    """
    point = np.array(x, np.float64, order="C")
    same_shape(name, np.asarray(gradient), point, Location())
    found = measure(
        lambda: float(f(point)),
        point,
        np.asarray(gradient),
        name=name,
        scale=abs(float(f(point))),
        rng=rng or np.random.default_rng(0),
    )
    accuse(found, location=Location.of(f), samples=len(point) if point.ndim else 1, gradient=point)


def check_layer(layer: Any, x: Array, rng: np.random.Generator, *, path: str = "") -> None:
    """Check `backward` of a layer for the gradient of its input and of every parameter.

    The scalar function is L = Σ dy·forward(x) with Gaussian dy, (N, ...) like the output: ones would hide
    every mistake that a softmax forgives. Raises Violation or Inconclusive.
    """
    template = in_float64(layer)
    template.needs_dx = True
    point = np.array(x, np.float64, order="C")
    probe, generators = copy_with_generators(template)
    before = {name: np.array(g) for name, g in (getattr(probe, "grads", None) or {}).items()}
    y = np.array(probe.forward(point))  # copied: the layer may write its next answer into the same array
    dy = rng.standard_normal(y.shape)
    drawn = generator_states(generators)
    dx = probe.backward(dy)  # before any other forward, whose cache it might share
    draws = generator_states(generators) != drawn
    coarse = y.dtype != np.float64 or _rounds(template, point, y)
    unit = path or type(layer).__name__
    location, source = (Location.of(f, unit) for f in (type(layer).backward, type(layer).forward))
    finite("output", y, source)  # blame the root
    targets = {"dx": (point, dx)}
    params = getattr(template, "params", None) or {}
    grads = getattr(probe, "grads", None) or {}
    for name in params:
        if name not in grads:
            missing = f"grads[{name!r}]"
            raise Violation(
                "gradient", location=location, array=missing, actual="missing", expected="a gradient", cause=NEVER
            )
        targets[f"d{name}"] = (params[name], grads[name])
    repeats = _repeats(template, point)

    def loss() -> float:
        each = template if repeats else copy.deepcopy(template)
        return float(np.vdot(dy, each.forward(point)))

    scale = float(np.abs(dy * y).sum())
    for name, (array, gradient) in targets.items():
        same_shape(name, gradient, array, location, len(point))
        found = measure(loss, array, gradient, name=name, scale=scale, rng=rng, coarse=coarse)
        clues = Clues(dy=dy, itself=array, before=before.get(name[1:]), constants=numeric_constants(layer), draws=draws)
        clues.others = {f"d{other}": np.asarray(grads[other]) for other in grads if f"d{other}" != name}
        clues.again = lambda name=name: again(lambda: _larger(template, point, dy, name), coarse)
        if name == "dx":
            clues.x, clues.y = point, y
            clues.jacobian = lambda: _jacobian(template, point, y)
        elif array.size <= EVERY:
            clues.of_row = lambda row, array=array: _of_row(template, point, dy, row, array)
        accuse(found, location=location, samples=len(point), gradient=np.asarray(gradient), clues=clues, source=source,
               parameter="" if name == "dx" else name[1:])


def _larger(layer: Any, x: Array, dy: Array, name: str) -> Larger:
    """What is asked of a batch of one sample more."""
    rows = larger(len(x))
    point, slope, probe, twin = x[rows], dy[rows], copy.deepcopy(layer), copy.deepcopy(layer)
    probe.forward(point)
    found = {"dx": (point, probe.backward(slope))}
    found |= {f"d{own}": (array, probe.grads[own]) for own, array in (getattr(twin, "params", None) or {}).items()}
    return Larger(lambda: float(np.vdot(slope, copy.deepcopy(twin).forward(point))), *found[name], len(point))


def _rounds(layer: Any, x: Array, y: Array) -> bool:
    """Whether forward is deaf to a change of 1e-12 but not to one of 1e-3: float32 inside, whatever comes out."""
    heard = [not np.array_equal(copy.deepcopy(layer).forward(x * (1 + change)), y) for change in (1e-12, 1e-3)]
    return heard == [False, True]


def _jacobian(layer: Any, x: Array, y: Array) -> Array | None:
    """∂y/∂x as (y.size, x.size) by central differences, where that is small enough to measure."""
    if x.size > EVERY:
        return None
    columns = np.empty((y.size, x.size))
    for j, place in enumerate(np.ndindex(x.shape)):
        sides = []
        for h in (1e-5, -1e-5):
            moved = x.copy()
            moved[place] += h
            sides.append(np.array(copy.deepcopy(layer).forward(moved)).reshape(-1))
        columns[:, j] = (sides[0] - sides[1]) / 2e-5
    return columns


def _of_row(layer: Any, x: Array, dy: Array, row: int, array: Array) -> Array:
    """The slopes of what one sample alone contributes, for a parameter `array` of `layer`."""
    alone = np.zeros_like(dy)
    alone[row] = dy[row]
    flat, slopes = array.reshape(-1), np.empty(array.size)
    for i, old in enumerate(flat.copy()):
        sides = []
        for h in (1e-5, -1e-5):
            flat[i] = old + h
            sides.append(float(np.vdot(alone, copy.deepcopy(layer).forward(x))))
        flat[i] = old
        slopes[i] = (sides[0] - sides[1]) / 2e-5
    return slopes.reshape(array.shape)


def check_model(model: Any, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check the gradients that a whole model reports against the loss that it reports.

    Raises Violation or Inconclusive.
    """
    template = in_float64(model)
    point = np.array(x, np.float64)
    probe = copy.deepcopy(template)
    value, grads = probe.loss_and_grads(point, labels)
    location = Location.of(type(model).loss_and_grads, path)
    _all_there(template.params, grads, location)
    reported = {name: np.array(grads[name], np.float64) for name in template.params}
    repeats = copy.deepcopy(probe).loss_and_grads(point, labels)[0] == value

    def loss() -> float:
        each = template if repeats else copy.deepcopy(template)
        return float(each.loss_and_grads(point, labels)[0])

    for name, gradient in reported.items():
        array = template.params[name]
        same_shape(name, gradient, array, location)
        found = measure(loss, array, gradient, name=f"gradient of {name}", scale=max(LEAST, abs(value)), rng=rng)
        clues = Clues(itself=array)
        clues.again = lambda name=name: again(lambda: _larger_model(template, point, labels, name))
        accuse(found, location=location, samples=len(point), gradient=gradient, clues=clues, parameter=name)


def _larger_model(model: Any, x: Array, labels: Array, name: str) -> Larger:
    rows = larger(len(x))
    _, grads = copy.deepcopy(model).loss_and_grads(x[rows], labels[rows])
    twin = copy.deepcopy(model)

    def number() -> float:
        return float(copy.deepcopy(twin).loss_and_grads(x[rows], labels[rows])[0])

    return Larger(number, twin.params[name], np.array(grads[name], np.float64), len(rows))


def check_along(model: Any, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check a whole model along one random direction through all its parameters at once: a few losses.

    Raises Violation.
    """
    template = in_float64(model)
    point = np.array(x, np.float64)
    direction = {name: rng.standard_normal(array.shape) for name, array in template.params.items()}
    value, grads = copy.deepcopy(template).loss_and_grads(point, labels)
    location = Location.of(type(model).loss_and_grads, path)
    _all_there(template.params, grads, location)
    made = _along(template, point, labels, direction)
    name, rows = "the gradient of all parameters", larger(len(point))
    found = measure(made.number, made.array, made.gradient, name=name, scale=max(LEAST, abs(value)), rng=rng)
    found.places = [None] * len(found.places)
    clues = Clues(again=lambda: again(lambda: _along(template, point[rows], labels[rows], direction)))
    accuse(found, location=location, samples=len(point), gradient=made.array, clues=clues)


def _along(model: Any, x: Array, labels: Array, direction: Mapping[str, Array]) -> Larger:
    """The loss as a function of how far the parameters are moved along a direction, and the slope that is reported."""
    _, grads = copy.deepcopy(model).loss_and_grads(x, labels)
    slope = sum(float(np.vdot(grads[name], step)) for name, step in direction.items())
    line = np.zeros(1)

    def loss() -> float:
        each = copy.deepcopy(model)
        for name, step in direction.items():
            each.params[name] = model.params[name] + float(line[0]) * step
        return float(each.loss_and_grads(x, labels)[0])

    return Larger(loss, line, np.array([slope]), len(x))


def in_float64(thing: Any) -> Any:
    """A deep copy whose `params`, `grads` and `state` are float64: float32 is too coarse to differentiate."""
    wide = copy.deepcopy(thing)
    for holder in ("params", "grads", "state"):
        arrays: Mapping[str, Array] | None = getattr(wide, holder, None)
        for name in list(arrays or {}):
            array = np.asarray(arrays[name])  # type: ignore[index]  # a list of names of None is empty
            if array.dtype.kind == "f":
                getattr(wide, holder)[name] = array.astype(np.float64, order="C")
    return wide


def _all_there(params: Mapping[str, Array], grads: Mapping[str, Array], location: Location) -> None:
    for name in params:
        if name not in grads:
            array = f"gradient of {name}"
            raise Violation(
                "gradient", location=location, array=array, actual="missing", expected="an array", cause=NEVER
            )


def _repeats(layer: Any, x: Array) -> bool:
    """Whether one instance draws nothing and answers the same twice, so that probing needs no copies."""
    probe, generators = copy_with_generators(layer)
    before = generator_states(generators)
    first = np.array(probe.forward(x))
    return bool(np.array_equal(first, probe.forward(x))) and generator_states(generators) == before
