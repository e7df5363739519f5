"""Check that backward returns the gradient of forward: for a function, a layer and a model.

    check_gradient(f, x, gradient)      check_layer(layer, x, rng)      check_model(model, x, labels, rng)
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.gradcheck.batch_size_probe import LargerBatch, factor_at_larger_batch, larger_batch_rows
from nnlaw.spec.gradcheck.explain import NOT_COMPUTED
from nnlaw.spec.gradcheck.finite_differences import (
    FLOAT32_LARGE,
    MAX_FULL_CHECK,
    MeasuredSlopes,
    at_points,
    check_finite,
    check_shape,
    measure,
    measuring_slopes,
    raise_if_wrong,
)
from nnlaw.spec.gradcheck.in_step import changed, evaluated, in_step
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.reference import numeric_constants
from nnlaw.spec.short_tracebacks import short_traceback
from nnlaw.spec.subjects.layer_protocol import convert
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.subject import Change, Point, Subject, Target
from nnlaw.spec.violation import Cause, Inconclusive, Location, Violation

Thing = TypeVar("Thing")

MIN_LOSS = 1.0  # a trained model's loss may be near zero, but terms of this size cancel in it and leave roundoff


@short_traceback
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
        at_points(lambda: float(f(point)), point),
        point,
        np.asarray(gradient),
        name=name,
        scale=abs(float(f(point))),
        rng=rng or np.random.default_rng(0),
    )
    raise_if_wrong(found, location=Location.of(f), samples=len(point) if point.ndim else 1, gradient=point)


@short_traceback
def check_layer(layer: Subject, x: Array, rng: np.random.Generator, *, path: str = "") -> None:
    """Check `backward` of a layer: the gradient of its input and of every parameter.

    The scalar function is L = Σ dy·forward(x) with Gaussian dy, (N, ...) like the output. With ones, the gradient of a
    softmax would be 0, and mistakes in it would not show. Raises Violation or Inconclusive.
    """
    layer = subject_of(layer)
    template = layer.copy(values={"needs_dx": True}, float64=True)
    point = np.array(x, np.float64, order="C")
    started, rounds = template.started([("forward", [point])] * 2), _rounds_to_float32(template, point)
    twice = started()
    y, second = map(np.asarray, twice.results)
    is_rounded = rounds(y)  # before other calls, as another process makes them in this order
    fresh = any(twice.is_random) or not np.array_equal(y, second)
    dy = rng.standard_normal(y.shape)
    once = template.run([("forward", [point]), ("backward", [dy])])
    grads = {name: np.array(gradient) for name, gradient in once.grads.items()}
    float32 = y.dtype != np.float64 or is_rounded
    unit = path or layer.type_name
    backward, forward = (layer.location(method, unit) for method in ("backward", "forward"))
    check_finite("output", y, forward)  # if the output is wrong, so is its gradient
    dx, params = np.array(once.results[1]), {name: np.asarray(array) for name, array in twice.params.items()}
    _check_complete(params, grads, backward, lambda name: f"grads[{name!r}]")
    returned = [_Returned("dx", point, dx, 0)] if layer.attribute("has_dx", True) else []
    returned += [_Returned(f"d{name}", params[name], grads[name], ("params", name)) for name in params]
    scale, usual = float(np.abs(dy * y).sum()), float(np.abs(dy).sum())
    noise = None
    if scale > FLOAT32_LARGE * usual and y.dtype == np.float64:
        noise = float(np.vdot(np.abs(dy), _roundoff(template, point, y)))
    undecided: Inconclusive | None = None
    evaluate = _weighted_outputs(template, point, dy, fresh=fresh, base=y)
    settings: dict[str, Any] = {"scale": scale, "rng": rng, "float32": float32, "unit": usual, "noise": noise}
    for row, found in _measured(returned, evaluate, backward, len(point), **settings):
        name, array, gradient = row.name, row.array, row.gradient
        clues = Clues(dy=dy, array=array, random_backward=once.is_random[1])
        clues.constants = partial(numeric_constants, layer)
        clues.previous = partial(_gradient_before, template, name)
        clues.others = {f"d{other}": grads[other] for other in grads if f"d{other}" != name}
        clues.other_factor = lambda row=row: factor_at_larger_batch(
            lambda: _larger_batch(template, point, dy, row), float32
        )
        if name == "dx":
            clues.x, clues.y = point, y
            clues.jacobian = lambda: _jacobian(template, point, y)
        elif array.size <= MAX_FULL_CHECK:
            clues.from_sample = partial(_slopes_from_sample, template, point, dy, row)
        try:
            raise_if_wrong(
                found,
                location=backward,
                samples=len(point),
                gradient=gradient,
                clues=clues,
                forward=forward,
                parameter="" if name == "dx" else name[1:],
            )
        except Inconclusive as reason:  # another array may be wrong
            undecided = undecided or reason
    if undecided is not None:
        raise undecided


@dataclass(frozen=True)
class _Returned:
    """A gradient as the code returns it, the array that it belongs to, and where the code has this array."""

    name: str
    array: Array
    gradient: Array
    target: Target

    def change(self, point: Point) -> Change:
        """The change of the array at a point."""
        return self.target, point


def _measured(
    returned: Sequence[_Returned],
    evaluate: EvaluateChanges,
    location: Location,
    samples: int = 0,
    *,
    title: str = "",
    **settings: Any,
) -> Iterator[tuple[_Returned, MeasuredSlopes]]:
    """The slopes of each array, by `title` and its name; those of small arrays are measured in step.

    Raises a Violation for a gradient of the wrong shape, after the slopes of those before it.
    """
    is_small = sum(row.array.size for row in returned) <= MAX_FULL_CHECK
    for group in [returned] if is_small else [[row] for row in returned]:
        wrong, fitting = None, list[_Returned]()
        for row in group:
            try:
                check_shape(row.name, row.gradient, row.array, location, samples)
            except Violation as violation:
                wrong = violation
                break
            fitting.append(row)
        measurings = [
            changed(measuring_slopes(row.array, row.gradient, name=title + row.name, **settings), row.change)
            for row in fitting
        ]
        yield from zip(fitting, evaluated(in_step(measurings), evaluate), strict=True)
        if wrong is not None:
            raise wrong


TIES = Cause("ties-counted-twice", "where several inputs are the maximum, each gets all of dy; dy must be divided "
             "among them, or go to one of them")  # fmt: skip


def check_ties(layer: Subject, x: Array, rng: np.random.Generator, *, path: str = "") -> None:
    """Check dx where all inputs of a sample are equal, so that each of them is the maximum.

    There a maximum has no slope along a single input, but one along all of them together: the sum of dx must be that
    slope. The point is the first entry of each sample of x. Raises Violation; returns if there is no slope there.
    """
    layer = subject_of(layer)
    if not layer.attribute("has_dx", True) or x[0].size < 2:
        return
    template = layer.copy(values={"needs_dx": True}, float64=True)
    first = np.array(x, np.float64).reshape(len(x), -1)[:, 0].reshape(-1, *[1] * (x.ndim - 1))
    point = np.broadcast_to(first, x.shape).copy()
    direction = np.broadcast_to(rng.standard_normal(first.shape), x.shape)
    with np.errstate(all="ignore"):
        y = np.asarray(template.run([("forward", [point])]).results[0])
        dy = rng.standard_normal(y.shape)
        dx = np.asarray(template.run([("forward", [point]), ("backward", [dy])]).results[1], np.float64)
    if not is_finite(y) or not is_finite(dx) or dx.shape != point.shape:
        return
    distance, slope = np.zeros(1), np.array([np.vdot(dx, direction)])
    scale = float(np.abs(dy * y).sum()) + float(np.abs(dx * direction).sum())

    def evaluate(points: Sequence[Point]) -> list[float]:
        moved: list[Change] = [(0, (None, point + np.ravel(value)[0] * direction)) for _, value in points]
        return _weighted_outputs(template, point, dy)(moved)

    def found_with(float32: bool) -> MeasuredSlopes:
        name = "the sum of dx over equal inputs"
        return measure(evaluate, distance, slope, name=name, scale=scale, rng=rng, float32=float32)

    found = found_with(y.dtype != np.float64)
    if found.wrong and not found.float32 and _rounds_to_float32(template, point)(y):
        found = found_with(True)
    if not found.wrong:
        return
    apart = template.copy()
    apart.forward(point * (1 + 1e-7 * rng.standard_normal(point.shape)))
    without_ties = float(np.vdot(apart.gradients(dy.copy())["dx"], direction))
    several = np.isclose(without_ties, found.numeric[0], rtol=1e-3, atol=1e-6 * scale)
    raise Violation(
        "gradient",
        location=layer.location("backward", path or layer.type_name),
        array="the sum of dx over equal inputs",
        actual=f"{found.analytic[0]:.6g}",
        expected=f"{found.numeric[0]:.6g}",
        reference="finite differences",
        cause=TIES.text if several else "",
        cause_code=TIES.code if several else "",
    )


def _gradient_before(layer: Subject, name: str) -> Array | None:
    return layer.grads.get(name[1:])


EvaluateChanges = Callable[[Sequence[Change]], list[float]]
"""The value of a scalar function with each change."""


def _weighted_outputs(
    layer: Subject, x: Array, dy: Array, *, fresh: bool = True, base: Array | float = 0.0
) -> EvaluateChanges:
    """Σ dy·(forward(x) − base) with each change; with the output itself as base there is less roundoff."""

    def evaluate(changes: Sequence[Change]) -> list[float]:
        return [float(np.vdot(dy, y - base)) for y in layer.sweep("forward", [x], changes, fresh=fresh)]

    return evaluate


def _larger_batch(layer: Subject, x: Array, dy: Array, row: _Returned) -> LargerBatch:
    rows = larger_batch_rows(len(x))
    point, slope, name = x[rows], dy[rows], row.name.removeprefix("d")
    run = layer.run([("forward", [point]), ("backward", [slope])])
    array, gradient = (point, run.results[1]) if row.target == 0 else (run.params[name], run.grads[name])
    outputs = _weighted_outputs(layer, point, slope)
    return LargerBatch(lambda points: outputs([row.change(each) for each in points]), array, gradient, len(point))


def _rounds_to_float32(layer: Subject, x: Array) -> Callable[[Array], bool]:
    """Begin to find whether forward ignores a relative change of 1e-12, but not of 1e-3: it computes in float32 inside.

    The function takes the output for x.
    """
    changes: list[Change] = [(0, (None, x * (1 + change))) for change in (1e-12, 1e-3)]
    started = layer.sweep_started("forward", [x], changes, fresh=True)
    return lambda y: [not np.array_equal(moved, y) for moved in started()] == [False, True]


def _roundoff(layer: Subject, x: Array, y: Array) -> Array:
    """The error of each output: its first change, as x is changed more and more, but at least its last digit."""
    changes: list[Change] = [(0, (None, x * (1 + 10.0**exponent))) for exponent in range(-15, -4)]
    error = np.zeros_like(y)
    for moved in layer.sweep("forward", [x], changes, fresh=True):
        error = np.where(error == 0, np.abs(moved - y), error)
    last_digit = np.finfo(np.float64).eps * np.abs(y)
    largest = np.finfo(np.float32).eps * np.abs(y)
    return np.asarray(np.clip(error, last_digit, largest))


def _both_sides(array: Array, target: Target) -> list[Change]:
    """Two changes of each entry, one to either side."""
    return [(target, (j, old + h)) for j, old in enumerate(array.reshape(-1).tolist()) for h in (1e-5, -1e-5)]


def _jacobian(layer: Subject, x: Array, y: Array) -> Array | None:
    """∂y/∂x as (y.size, x.size) by central differences; None if x is too large."""
    if x.size > MAX_FULL_CHECK:
        return None
    outputs = np.reshape(layer.sweep("forward", [x], _both_sides(x, 0), fresh=True), (x.size, 2, y.size))
    columns: Array = (outputs[:, 0] - outputs[:, 1]).T / 2e-5
    return columns


def _slopes_from_sample(layer: Subject, x: Array, dy: Array, row: _Returned, i: int) -> Array:
    """The part of the gradient of a parameter of `layer` that comes from sample i."""
    alone, array = np.zeros_like(dy), row.array
    alone[i] = dy[i]
    values = np.reshape(_weighted_outputs(layer, x, alone)(_both_sides(array, row.target)), (array.size, 2))
    slopes: Array = ((values[:, 0] - values[:, 1]) / 2e-5).reshape(array.shape)
    return slopes


@short_traceback
def check_model(model: Subject, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check the gradients that a whole model returns against the loss that it returns.

    Raises Violation or Inconclusive.
    """
    model = subject_of(model)
    template, point = in_float64(model), np.array(x, np.float64)
    move_constants(template, point, labels)
    twin = template.copy()
    value, grads = twin.loss_and_grads(point, labels)
    location = model.location("loss_and_grads", path)
    _check_own_targets(template, point, labels, float(value), location)
    params = dict(template.params)
    _check_complete(params, grads, location, lambda name: f"gradient of {name}")
    returned = [
        _Returned(name, array, np.array(grads[name], np.float64), ("params", name))
        for name, array in params.items()
    ]
    fresh = twin.copy().loss_and_grads(point, labels)[0] != value

    def losses(changes: Sequence[Change]) -> list[float]:
        values = template.sweep("loss_and_grads", [point, labels], changes, fresh=fresh, item=0)
        return [float(loss) for loss in values]

    scale = max(MIN_LOSS, abs(value))
    for row, found in _measured(returned, losses, location, title="gradient of ", scale=scale, rng=rng):
        clues = Clues(array=row.array)
        clues.other_factor = lambda row=row: factor_at_larger_batch(
            lambda: _larger_batch_of_model(template, point, labels, row)
        )
        raise_if_wrong(
            found, location=location, samples=len(point), gradient=row.gradient, clues=clues, parameter=row.name
        )


def _check_own_targets(model: Subject, x: Array, labels: Array, value: float, location: Location) -> None:
    """Raise a Violation if the loss compares each output with the targets of all samples, as (N, 1) − (N,) does."""
    try:
        outputs = np.asarray(model.copy().predict(x), np.float64).reshape(len(x), -1)
    except Exception:  # a network that only trains
        return
    if not is_finite(outputs) or np.ptp(outputs, axis=0).max(initial=0) < 1e-6:
        return  # equal outputs have the same loss for any order of the targets

    def loss(targets: Array) -> float:
        return float(model.copy().loss_and_grads(x, targets)[0])

    check_own_targets(loss, labels, value, location)


def check_own_targets(
    loss: Callable[[Array], float], targets: Array, value: float, location: Location
) -> None:
    """Raise a Violation if `loss` depends on the targets, but not on which sample each belongs to.

    `value` is the loss of `targets`.
    """
    same = 1e-12 * abs(value)
    orders = [order for order in (targets[::-1], np.roll(targets, 1, axis=0)) if not np.array_equal(order, targets)]
    if not orders or any(abs(loss(order.copy()) - value) > same for order in orders):
        return
    if abs(loss(np.full_like(targets, targets[0])) - value) > same:
        raise Violation(
            "gradient",
            location=location,
            array="the loss",
            actual=f"the same ({value:.6g}) if the targets are exchanged between samples",
            expected="another value: each output belongs to the target of its own sample",
            cause="often outputs (N, 1) and targets (N,), whose difference is (N, N); give both the same shape",
            cause_code="broadcast-targets",
        )


def move_constants(model: Subject, x: Array, labels: Array) -> None:
    """Move parameters whose entries are all equal, such as zeros and ones, if the loss stays finite."""
    before = dict(model.params)
    moved = {name: off_constant(array) for name, array in before.items()}
    for name, array in moved.items():
        model.params[name] = array
    if not np.isfinite(model.copy().loss_and_grads(x, labels)[0]):
        for name, array in before.items():
            model.params[name] = array


def off_constant(array: Array) -> Array:
    """The array, moved by random numbers of size 0.1 if all its entries are equal.

    A gain of 1 that is missing on the way back, or the gradient of a penalty on a bias of 0, shows only then.
    """
    array = np.asarray(array)
    if array.dtype.kind != "f" or not array.size or np.ptp(array):
        return array
    shift = np.random.default_rng(array.size).standard_normal(array.shape)
    return np.asarray(array + 0.1 * shift, array.dtype)


def _larger_batch_of_model(model: Subject, x: Array, labels: Array, row: _Returned) -> LargerBatch:
    rows = larger_batch_rows(len(x))
    inputs = [x[rows], labels[rows]]
    _, grads = model.copy().loss_and_grads(*inputs)

    def losses(points: Sequence[Point]) -> list[float]:
        changes = [row.change(each) for each in points]
        return list(map(float, model.sweep("loss_and_grads", inputs, changes, fresh=True, item=0)))

    return LargerBatch(losses, row.array, np.array(grads[row.name], np.float64), len(rows))


def check_along(model: Subject, x: Array, labels: Array, rng: np.random.Generator, *, path: str = "model") -> None:
    """Check a whole model along one random direction through all its parameters, which takes only a few losses.

    Raises Violation.
    """
    model = subject_of(model)
    template = in_float64(model)
    point, params = np.array(x, np.float64), dict(template.params)
    direction = {name: rng.standard_normal(array.shape) for name, array in params.items()}
    value, grads = template.copy().loss_and_grads(point, labels)
    location = model.location("loss_and_grads", path)
    _check_complete(params, grads, location, lambda name: f"gradient of {name}")
    line = _along(template, point, labels, direction)
    name, rows = "the gradient of all parameters", larger_batch_rows(len(point))
    found = measure(line.evaluate, line.array, line.gradient, name=name, scale=max(MIN_LOSS, abs(value)), rng=rng)
    found.indices = [None] * len(found.indices)
    clues = Clues()
    clues.other_factor = lambda: factor_at_larger_batch(
        lambda: _along(template, point[rows], labels[rows], direction)
    )
    raise_if_wrong(found, location=location, samples=len(point), gradient=line.array, clues=clues)


def _along(model: Subject, x: Array, labels: Array, direction: Mapping[str, Array]) -> LargerBatch:
    """The loss as a function of the distance along a direction, and its slope according to the model."""
    _, grads = model.copy().loss_and_grads(x, labels)
    slope = sum(float(np.vdot(grads[name], step)) for name, step in direction.items())
    distance, before = np.zeros(1), dict(model.params)

    def loss() -> float:
        each = model.copy()
        params = each.params
        for name, step in direction.items():
            params[name] = before[name] + float(distance[0]) * step
        return float(each.loss_and_grads(x, labels)[0])

    return LargerBatch(at_points(loss, distance), distance, np.array([slope]), len(x))


def in_float64(thing: Thing) -> Thing:
    """A deep copy with `params`, `grads` and `state` in float64: float32 is too coarse for finite differences."""
    if isinstance(thing, Subject):
        return thing.copy(float64=True)  # type: ignore[return-value]  # a Subject for a Subject
    twin = copy.deepcopy(thing)
    convert(twin, np.float64)
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
