"""One call each for the ways in which people already write networks, none of which has heard of a protocol.

    check_backward(forward, backward, x, w, b)          forward(x, w, b) -> (out, cache), backward(dout, cache) -> grads
    check_object(layer, x)                              a class whose backward returns its gradients, or keeps self.dW
    check_weights(forward, backward, weights, x, y)     weights [(W, b), ...]; backward(y, cache, weights) -> [(dW, db)]
    check_loss(loss, params, x, y)                      loss(params, x, y) -> (loss, grads)

Each works on float64 copies and raises Violation, law `gradient`, for the first array that is wrong, with the usual
mistake that accounts for it; Inconclusive where it can't be decided; BadInput where the call itself doesn't fit.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.backward_results import answered, is_gradient
from nnlaw.spec.discovery.pytrees import called, is_float, paired, wide, wide_tree
from nnlaw.spec.gradcheck.finite_differences import accuse, measure, same_shape
from nnlaw.spec.violation import BadInput, Location, Violation, counted


def check_backward(
    forward: Callable[..., Any], backward: Callable[..., Any], *inputs: Any, rng: np.random.Generator | None = None
) -> None:
    """Check `backward(dout, cache) -> gradients` against `forward(*inputs) -> (out, cache)`.

    There is one gradient per float array of the inputs, in their order; a single array stands for one. Inputs that
    are no float arrays are handed on as they are.
    """
    rng = rng or np.random.default_rng(0)
    points = [wide(x) for x in inputs]
    out, cache = _pair(forward(*copy.deepcopy(points)), forward, "(out, cache)")
    dout = rng.standard_normal(np.shape(out))
    given = backward(dout.copy(), cache)
    grads = list(given) if isinstance(given, tuple | list) else [given]
    names = [name for name, x in zip(_names(forward, len(points)), points, strict=True) if is_float(x)]
    arrays = [x for x in points if is_float(x)]
    if len(grads) > len(arrays):  # some answer None for what has no gradient
        grads = [g for g in grads if g is not None]
    if len(grads) != len(arrays):
        found = counted(len(grads), "gradient")
        raise BadInput(f"{called(backward)} gave {found}, expected {len(arrays)}: {', '.join(names)}")

    def total() -> float:
        return float(np.vdot(dout, _pair(forward(*copy.deepcopy(points)), forward, "(out, cache)")[0]))

    targets = {f"d{name}": (x, g) for name, x, g in zip(names, arrays, grads, strict=True)}
    scale = float(np.abs(dout * out).sum())
    source = Location.of(forward)
    _judge(total, targets, Location.of(backward), scale=scale, samples=_count(arrays), rng=rng, source=source)


def check_object(layer: Any, x: Array, *, rng: np.random.Generator | None = None) -> None:
    """Check a layer written as a class: `forward(x) -> y`, and `backward(dy)`, which answers in any of these ways.

    `dx`, with the gradients kept in `grads`, `dW`, `grad_W` or `W_grad`; `(dx, dW, db)` in the order in which the
    constructor made W and b; or `(dx, {"W": dW, "b": db})`. Parameters are `params` or the float arrays on the object.
    """
    rng = rng or np.random.default_rng(0)
    template, point = copy.deepcopy(layer), wide(x)
    holder = template.params if isinstance(getattr(template, "params", None), dict) else vars(template)
    params = {name: value for name, value in holder.items() if is_float(value) and not is_gradient(name)}
    for name, value in params.items():
        holder[name] = params[name] = wide(value)
    probe = copy.deepcopy(template)
    y = np.array(probe.forward(point.copy()))
    dy = rng.standard_normal(y.shape)
    dx, grads = answered(probe, probe.backward(dy.copy()), params)
    targets = {"dx": (point, dx)} | {f"d{name}": (params[name], grads[name]) for name in params if name in grads}
    location, source = (Location.of(f, type(layer).__name__) for f in (type(layer).backward, type(layer).forward))

    def total() -> float:
        return float(np.vdot(dy, copy.deepcopy(template).forward(point.copy())))

    scale = float(np.abs(dy * y).sum())
    _judge(total, targets, location, scale=scale, samples=_count([point]), rng=rng, source=source)
    for name in params:
        if name not in grads and _moves(total, params[name]):
            raise Violation(
                "gradient", location=location, array=f"d{name}", actual="missing",
                expected=f"returned by backward after dx, or kept as d{name}, for the output depends on {name}",
            )


def check_weights(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    weights: Sequence[Any],
    x: Array,
    y: Array,
    *,
    loss: Callable[[Array, Array], float] | None = None,
    rng: np.random.Generator | None = None,
) -> None:
    """Check `backward(y, cache, weights) -> [(dW, db), ...]` for `forward(x, weights) -> (a, cache)`.

    `loss(a, y)` is what backward is the gradient of. Left out, it is the mean cross-entropy where the rows or columns
    of `a` are probabilities, the mean binary cross-entropy where all lie in (0, 1), else half the mean squared error.
    """
    rng = rng or np.random.default_rng(0)
    point, own = wide(x), wide_tree(weights)
    a, cache = _pair(forward(point.copy(), own), forward, "(a, cache)")
    cost = loss or _usual_loss(np.asarray(a), np.asarray(y))
    given = backward(np.array(y), cache, own)

    def total() -> float:
        return float(cost(np.asarray(_pair(forward(point.copy(), own), forward, "(a, cache)")[0]), y))

    targets = paired(own, given, "weights", backward)
    samples, source = _samples(np.asarray(y)), Location.of(forward)
    _judge(total, targets, Location.of(backward), scale=abs(total()), samples=samples, rng=rng, source=source)


def check_loss(
    loss: Callable[..., Any], params: Any, *data: Any, rng: np.random.Generator | None = None
) -> None:
    """Check `loss(params, *data) -> (loss, grads)`; params is an array, or lists and dicts of arrays, grads alike."""
    rng = rng or np.random.default_rng(0)
    own = wide_tree(params)
    points = [wide(array) for array in data]
    value, given = _pair(loss(own, *points), loss, "(loss, grads)")

    def total() -> float:
        return float(_pair(loss(own, *points), loss, "(loss, grads)")[0])

    samples = _count(points)
    targets = paired(own, given, "params", loss)
    _judge(total, targets, Location.of(loss), scale=abs(float(value)), samples=samples, rng=rng)


def _judge(
    total: Callable[[], float],
    targets: Mapping[str, tuple[Array, Any]],
    location: Location,
    *,
    scale: float,
    samples: int,
    rng: np.random.Generator,
    source: Location | None = None,
) -> None:
    """Every gradient against the slopes of `total`, which reads the arrays afresh at each call."""
    for name, (array, gradient) in targets.items():
        same_shape(name, np.asarray(gradient), array, location)
        found = measure(total, array, np.array(gradient), name=name, scale=scale, rng=rng)
        accuse(found, location=location, samples=samples, gradient=np.asarray(gradient), source=source)


def _moves(total: Callable[[], float], array: Array) -> bool:
    before, kept = total(), array.copy()
    array += 0.1
    moved = total() != before
    array[...] = kept
    return moved


def _usual_loss(a: Array, y: Array) -> Callable[[Array, Array], float]:
    """The loss that belongs to an output like `a`."""
    if a.shape != y.shape:
        raise BadInput(f"the output has shape {a.shape} and y {y.shape}; make y one-hot, or pass loss=")
    n, tiny = _samples(y), np.finfo(float).tiny
    sums = [a.sum(axis=axis) for axis in range(a.ndim)]
    if (a >= 0).all() and a.size > 1 and any(np.allclose(total, 1) for total in sums):
        return lambda a, y: -float((y * np.log(np.maximum(a, tiny))).sum()) / n
    if ((a > 0) & (a < 1)).all():
        return lambda a, y: -float((y * np.log(a) + (1 - y) * np.log(1 - a)).sum()) / n
    return lambda a, y: 0.5 * float(((a - y) ** 2).sum()) / n


def _samples(y: Array) -> int:
    """The size of the batch, whether samples are rows or columns: one-hot vectors each sum to 1."""
    for axis in (1, 0):
        if y.ndim == 2 and y.shape[axis] > 1 and (y.sum(axis=axis) == 1).all():
            return int(y.shape[1 - axis])
    return max(y.shape) if 1 in y.shape[:2] else len(y)


def _count(arrays: Sequence[Any]) -> int:
    """The size of the batch, which is the first axis of the first array; 1 where there is none."""
    return len(arrays[0]) if arrays and np.ndim(arrays[0]) else 1


def _names(function: Any, count: int) -> list[str]:
    try:
        found = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        found = []
    return (found + [f"input {i}" for i in range(len(found), count)])[:count]


def _pair(answer: Any, function: Any, expected: str) -> tuple[Any, Any]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise BadInput(f"{called(function)} answered a {type(answer).__name__}, expected {expected}")
    return answer[0], answer[1]
