"""Checks of functions and classes in any of the usual styles; no protocol is needed.

    check(Dense)                                every law that applies to a class, an instance or a module
    check(Conv, input_shape=(2, 3, 8, 8))       with a hint, where its calls can't be worked out
    check(relu, relu_prime)                     a function and its derivative
    check(forward, backward, x, w, b)           forward(x, w, b) -> (out, cache), backward(dout, cache) -> grads
    check(forward, backward, weights, x, y)     weights [(W, b), ...]; backward(y, cache, weights) -> [(dW, db), ...]
    check(loss, params, x, y)                   loss(params, x, y) -> (loss, grads)

check_object, check_backward, check_weights and check_loss are these calls in words that raise Violation, law
`gradient`, for the first wrong array; Inconclusive if that can't be decided; BadInput if the functions don't fit.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.conformance import conformance, passes
from nnlaw.spec.discovery.adapters.layers import layer_of
from nnlaw.spec.discovery.backward_results import (
    describe,
    is_float_array,
    pair_gradients,
    to_float64,
    tree_to_float64,
)
from nnlaw.spec.discovery.find import find_in
from nnlaw.spec.discovery.hints import Hints, hinted
from nnlaw.spec.discovery.layer_methods import TARGETS
from nnlaw.spec.discovery.scope import scope_of
from nnlaw.spec.fixes.float64_probe import Float64Probe, Steps
from nnlaw.spec.fixes.recompile import VariantBuilder
from nnlaw.spec.fixes.wrong_value import wrong_value
from nnlaw.spec.gradcheck.finite_differences import at_points, check_finite, check_shape, measure, raise_if_wrong
from nnlaw.spec.gradcheck.gradients import check_layer, check_own_targets, off_constant
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.report import LawResult, Outcome, Report, UnitOutcome
from nnlaw.spec.short_tracebacks import short_traceback
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.object_subject import object_of, subject_of
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, BadInput, Cause, Inconclusive, Location, Violation, counted


class CheckFailed(AssertionError):
    """What was checked fails, or could not be checked; `reports` hold the results."""

    def __init__(self, reports: list[Report]) -> None:
        lines = [violation.message for report in reports for violation in report.violations]
        lines += [
            f"{report.name}: {report.outcome}: {reason}" for report in reports for reason in report.missing.values()
        ]
        super().__init__("\n".join(lines))
        self.reports = reports


@short_traceback
def check(
    thing: Any,
    *inputs: Any,
    kind: str | None = None,
    layout: str = "",
    input_shape: Any = None,
    targets: str = "",
    learning_rate: str = "",
    seed: int = 0,
) -> Report | list[Report]:
    """Check a class, an instance, a function with its derivative, or a module, without any change of it.

        check(Dense)    check(Dense(4, 3), x)    check(relu, relu_prime)    check(my_module)
        check(Conv, input_shape=(2, 3, 8, 8))    check(forward, backward, x, w, b)

    An instance of a layer is called with `inputs`; without any, and for a class, constructor settings and inputs are
    worked out. Functions that are followed by arrays are called with them, as in check_backward, check_weights and
    check_loss. The other arguments are hints, for what can't be worked out; a message names the one that it needs:

    kind: "layer", "loss", "optimizer", ...: the units of a module to check
    layout: "rows", "columns", "one" and so on: where the samples are
    input_shape: the shape of an input with its batch, or one such shape per input
    targets: "labels", "one-hot", "real", "binary" and so on
    learning_rate: the name of the argument or attribute that is the learning rate

    Returns the report, or those of a module. Raises CheckFailed if a law fails or a unit can't be checked, BadInput if
    nothing to check is found, or if a hint has an unknown value.
    """
    __tracebackhide__ = True
    if inspect.isclass(thing) and inputs and input_shape is None:
        shapes = tuple(np.shape(x) for x in inputs)
        input_shape = shapes[0] if len(shapes) == 1 else shapes
    if is_function(thing) and any(not callable(value) for value in inputs):
        reports = [_report_of_functions(thing, inputs, np.random.default_rng(seed))]
    else:
        with hinted(Hints(input_shape, layout, targets, learning_rate)):
            units = find_in(thing, inputs, passes)
            found = [unit for unit in units if unit.is_unit and kind in (None, unit.kind)]
            reports = [conformance(unit, seed=seed, explain=True) for unit in found]
        if not found:
            name = getattr(thing, "__name__", type(thing).__name__)
            what = kind or "layer, loss, optimizer, network or function with a derivative"
            raise BadInput(f"{name}: found no {what}")
    failed = [each for each in reports if each.outcome not in (UnitOutcome.PASSED, UnitOutcome.PARTLY_CHECKED)]
    if failed:
        raise CheckFailed(failed)
    return reports if isinstance(thing, ModuleType) else reports[0]


def is_function(thing: Any) -> bool:
    """Whether it is a function, not a class or an instance of one."""
    return inspect.isroutine(thing)


def _report_of_functions(function: Callable[..., Any], inputs: Sequence[Any], rng: np.random.Generator) -> Report:
    """The report on functions called with given arrays: check_backward, check_weights or check_loss."""
    name = getattr(function, "__name__", "function")
    compared: list[str] = []
    result = LawResult("gradient", Outcome.PASS)
    try:
        if not callable(inputs[0]):
            check_loss(function, *inputs, rng=rng, compared=compared)
        elif isinstance(inputs[1], list | tuple | Mapping):
            check_weights(function, inputs[0], *inputs[1:], rng=rng, compared=compared)
        else:
            check_backward(function, inputs[0], *inputs[1:], rng=rng, compared=compared)
    except Violation as violation:
        result = LawResult("gradient", Outcome.FAIL, violation.message, violation)
    except Inconclusive as error:
        result = LawResult("gradient", Outcome.INCONCLUSIVE, str(error))
    return Report(name, "function", [result], calls=f"{name} with the given arrays", compared=compared)


@short_traceback
def check_backward(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    rng: np.random.Generator | None = None,
    compared: list[str] | None = None,
) -> None:
    """Check `backward(dout, cache) -> gradients` against `forward(*inputs) -> (out, cache)`.

    backward returns one gradient per float array of the inputs, in the same order; a single one needs no tuple. Other
    inputs are passed unchanged.
    """
    rng = rng or np.random.default_rng(0)
    points = _off_constants(
        [to_float64(x) for x in inputs],
        lambda moved: _pair(forward(*copy.deepcopy(moved)), forward, "(out, cache)")[0],
    )
    out, cache = _pair(forward(*copy.deepcopy(points)), forward, "(out, cache)")
    check_finite("out", np.asarray(out, np.float64), Location.of(forward))
    dout = rng.standard_normal(np.shape(out))
    returned = backward(dout.copy(), cache)
    grads = list(returned) if isinstance(returned, tuple | list) else [returned]
    names = [name for name, x in zip(_names(forward, len(points)), points, strict=True) if is_float_array(x)]
    arrays = [x for x in points if is_float_array(x)]
    integers = [i for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.dtype.kind in "iu"]
    if len(grads) == len(arrays) + len(integers) and all(g is not None for g in grads) and integers:
        floats = [np.array(x, np.float64) if i in integers else x for i, x in enumerate(inputs)]
        # integers such as those of a truth table
        return check_backward(forward, backward, *floats, rng=rng, compared=compared)
    if len(grads) > len(arrays):  # some return None for an input without a gradient
        grads = [g for g in grads if g is not None]
    if len(grads) != len(arrays):
        found = counted(len(grads), "gradient")
        raise BadInput(f"{describe(backward)} returned {found}, expected {len(arrays)}: {', '.join(names)}")

    def total() -> float:
        return float(np.vdot(dout, _pair(forward(*copy.deepcopy(points)), forward, "(out, cache)")[0]))

    targets = {f"d{name}": (x, g) for name, x, g in zip(names, arrays, grads, strict=True)}
    scale = float(np.abs(dout * out).sum())
    source = Location.of(forward)
    _note(compared, targets)
    _check(total, targets, Location.of(backward), scale=scale, samples=_batch_size(arrays), rng=rng, source=source)


@short_traceback
def check_object(layer: Any, *inputs: Any, rng: np.random.Generator | None = None) -> None:
    """Check a layer written as a class, called with these inputs: `forward(x) -> y`, and `backward(dy)`.

    Names, layout and the places of parameters and gradients are worked out: gradients are returned, kept in `grads`,
    `dW` or `grad_W`, or read from the step that backward takes. Integers have no gradient.
    """
    if len(inputs) == 1 and isinstance(inputs[0], tuple | list) and all(isinstance(x, np.ndarray) for x in inputs[0]):
        inputs = tuple(inputs[0])
    found = layer_of(layer, inputs, scope_of(sys.modules[type(layer).__module__], ()))
    if not found.readings:
        raise BadInput(found.reason)
    reading = found.readings[0]
    (case,) = reading.cases(0)
    assert isinstance(case, LayerCase)
    _check_count(case, layer, reading.missing)
    check_layer(case.layer, case.x, rng or np.random.default_rng(0), path=found.name)
    for name in reading.missing:
        raise Violation(
            "gradient", location=case.location("backward"), array=f"d{name}", parameter=name, actual="missing",
            expected=f"a gradient, returned after dx or kept as d{name}: the output depends on {name}",
            cause_code="missing-gradient",
        )


def _check_count(case: LayerCase, layer: Any, missing: Mapping[str, str]) -> None:
    """Raise BadInput if backward returns gradients after dx, but not one for each parameter."""
    adapter = object_of(case.layer.copy())
    y = adapter.forward(case.x)
    adapter.backward(np.ones_like(y))
    returned = adapter.runs[0].returned
    rest = returned[1:] if isinstance(returned, tuple | list) else ()
    if missing and rest and all(isinstance(each, np.ndarray) for each in rest):
        raise BadInput(
            f"{type(layer).__name__}.backward returned {counted(len(rest), 'gradient')} after dx, "
            f"expected {len(missing)}: {', '.join('d' + name for name in missing)}"
        )


@short_traceback
def check_weights(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    weights: Sequence[Any],
    x: Array,
    y: Array,
    *,
    loss: Callable[[Array, Array], float] | None = None,
    rng: np.random.Generator | None = None,
    compared: list[str] | None = None,
) -> None:
    """Check `backward(y, cache, weights) -> [(dW, db), ...]` for `forward(x, weights) -> (a, cache)`.

    backward is the gradient of `loss(a, y)`. The default is the mean cross-entropy if the rows or columns of `a` are
    probabilities, the mean binary cross-entropy if all its entries are in (0, 1), else half the mean squared error.
    """
    rng = rng or np.random.default_rng(0)
    point = to_float64(x)
    params = _off_constants(
        tree_to_float64(weights), lambda moved: _pair(forward(point.copy(), moved), forward, "(a, cache)")[0]
    )
    a, cache = _pair(forward(point.copy(), params), forward, "(a, cache)")
    cost = loss or _default_loss(np.asarray(a), np.asarray(y))
    grads = backward(np.array(y), cache, params)

    def total() -> float:
        return float(cost(np.asarray(_pair(forward(point.copy(), params), forward, "(a, cache)")[0]), y))

    targets = pair_gradients(params, grads, "weights", backward)
    _note(compared, targets)
    samples, source = _sample_count(np.asarray(y)), Location.of(forward)
    _check(total, targets, Location.of(backward), scale=abs(total()), samples=samples, rng=rng, source=source)


@short_traceback
def check_loss(
    loss: Callable[..., Any],
    params: Any,
    *data: Any,
    rng: np.random.Generator | None = None,
    compared: list[str] | None = None,
) -> None:
    """Check `loss(params, *data) -> (loss, grads)`; params is an array, or lists and dicts of arrays, grads alike."""
    rng = rng or np.random.default_rng(0)
    points = [to_float64(array) for array in data]
    arrays = _off_constants(
        tree_to_float64(params), lambda moved: _pair(loss(moved, *points), loss, "(loss, grads)")[0]
    )
    value, grads = _pair(loss(arrays, *points), loss, "(loss, grads)")

    def total() -> float:
        return float(_pair(loss(arrays, *points), loss, "(loss, grads)")[0])

    for i, (name, array) in enumerate(zip(_names(loss, 1 + len(points))[1:], points, strict=True)):
        if TARGETS.match(name) and isinstance(array, np.ndarray) and array.ndim == 1 and np.ptp(array):
            def value_for(targets: Array, i: int = i) -> float:
                return float(_pair(loss(arrays, *points[:i], targets, *points[i + 1 :]), loss, "(loss, grads)")[0])

            check_own_targets(value_for, array, float(value), Location.of(loss))
    samples = _batch_size(points)
    targets = pair_gradients(arrays, grads, "params", loss)
    _note(compared, targets)
    try:
        _check(total, targets, Location.of(loss), scale=abs(float(value)), samples=samples, rng=rng, weights=True)
    except Violation as violation:
        if violation.index is None or violation.cause:
            raise
        cause = _wrong_value(loss, arrays, points, {name: array for name, (array, _) in targets.items()})
        raise violation.with_fields(cause=cause.text, cause_code=cause.code) from None


def _wrong_value(
    loss: Callable[..., Any], params: Any, points: Sequence[Any], arrays: dict[str, Array]
) -> Cause:
    """The other value whose gradient a loss returns; `arrays` are the parameters, by the names of their gradients."""
    builder = VariantBuilder.of_function(subject_of(loss))
    if builder is None:
        return NO_CAUSE
    return wrong_value(builder, _FunctionProbe(builder.subject, arrays, params=params, points=points))


@dataclass
class _FunctionProbe(Float64Probe):
    """loss(params, *data) -> (loss, grads); `arrays` are the arrays in params themselves."""

    params: Any = None
    points: Sequence[Any] = ()

    def run(self, steps: Steps, kind: Subject | None = None) -> tuple[float, dict[str, Array]]:
        """The loss and its gradients."""
        before = {name: self.arrays[name].copy() for name in steps}
        try:
            for name, step in steps.items():
                self.arrays[name] += step
            value, grads = (kind or self.thing)(self.params, *copy.deepcopy(list(self.points)))
            pairs = pair_gradients(self.params, grads, "params", self.thing)
            return float(value), {name: np.array(gradient) for name, (_, gradient) in pairs.items()}
        finally:
            for name, array in before.items():
                self.arrays[name][...] = array


def _off_constants(tree: Any, output: Callable[[Any], Any]) -> Any:
    """Nested arrays, those with equal entries moved if `output` stays finite; `tree` itself if it does not.

    At a bias of 0 or a gain of 1, missing terms don't show.
    """
    moved = _moved(tree)
    with np.errstate(all="ignore"):
        try:
            finite = is_finite(np.asarray(output(copy.deepcopy(moved)), np.float64))
        except Exception:  # the code under test refuses such arrays
            finite = False
    return moved if finite else tree


def _moved(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _moved(branch) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_moved(branch) for branch in tree)
    return np.array(off_constant(tree)) if isinstance(tree, np.ndarray) and tree.size > 1 else tree


def _note(compared: list[str] | None, targets: Mapping[str, tuple[Array, Any]]) -> None:
    """Add the arrays that are compared, with their shapes, to a list, if there is one."""
    if compared is not None:
        compared += [f"{name} {np.shape(array)}" for name, (array, _) in targets.items()]


def _check(
    total: Callable[[], float],
    targets: Mapping[str, tuple[Array, Any]],
    location: Location,
    *,
    scale: float,
    samples: int,
    rng: np.random.Generator,
    source: Location | None = None,
    weights: bool = False,
) -> None:
    """Compare every gradient with finite differences of `total`, which reads the arrays anew at each call.

    `weights`: the arrays are parameters, which a penalty may be added to.
    """
    for name, (array, gradient) in targets.items():
        check_shape(name, np.asarray(gradient), array, location)
        found = measure(at_points(total, array), array, np.array(gradient), name=name, scale=scale, rng=rng)
        clues = Clues(array=array) if weights else None
        raise_if_wrong(
            found, location=location, samples=samples, gradient=np.asarray(gradient), forward=source, clues=clues
        )


def _default_loss(a: Array, y: Array) -> Callable[[Array, Array], float]:
    """The usual loss of an output like `a`."""
    if a.shape != y.shape:
        raise BadInput(f"the output has shape {a.shape} and y {y.shape}; make y one-hot, or pass loss=")
    n, tiny = _sample_count(y), np.finfo(float).tiny
    sums = [a.sum(axis=axis) for axis in range(a.ndim)]
    if (a >= 0).all() and a.size > 1 and any(np.allclose(total, 1) for total in sums):
        return lambda a, y: -float((y * np.log(np.maximum(a, tiny))).sum()) / n
    if ((a > 0) & (a < 1)).all():
        return lambda a, y: -float((y * np.log(a) + (1 - y) * np.log(1 - a)).sum()) / n
    return lambda a, y: 0.5 * float(((a - y) ** 2).sum()) / n


def _sample_count(y: Array) -> int:
    """The size of the batch, with samples as rows or columns: one-hot vectors each sum to 1."""
    for axis in (1, 0):
        if y.ndim == 2 and y.shape[axis] > 1 and (y.sum(axis=axis) == 1).all():
            return int(y.shape[1 - axis])
    return max(y.shape) if 1 in y.shape[:2] else len(y)


def _batch_size(arrays: Sequence[Any]) -> int:
    """The first axis of the first array; 1 if there is none."""
    return len(arrays[0]) if arrays and np.ndim(arrays[0]) else 1


def _names(function: Any, count: int) -> list[str]:
    try:
        found = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        found = []
    return (found + [f"input {i}" for i in range(len(found), count)])[:count]


def _pair(returned: Any, function: Any, expected: str) -> tuple[Any, Any]:
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        raise BadInput(f"{describe(function)} returned a {type(returned).__name__}, expected {expected}")
    return returned[0], returned[1]
