"""Networks that are built of other definitions: layers that fit each other, a loss, an optimizer.

    for made in built(Network, scope): made.instance      Network(), after add(Dense(4, 6)), add(Dense(6, 3))

The parts are definitions of the module, imported ones as well. Without a loss there, half the sum of squares is given.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.calls import (
    CONTAINER,
    N_HIDDEN,
    N_IN,
    N_OUT,
    Made,
    constructions,
    guesses,
    is_of_project,
)
from nnlaw.spec.discovery.closures import returns_pullback
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.project_files import definitions_beside
from nnlaw.spec.discovery.scope import Scope, arguments_of, parameters_of_call, required_of
from nnlaw.spec.discovery.slots import array_slots

FORWARD = re.compile(r"^_?(forward|feed_?forward|fprop|propagate|__call__|call$)", re.I)
BACKWARD = re.compile(r"back|bprop", re.I)
ADD = re.compile(r"^_?(add|append|push|stack)(_?(layers?|module))?$", re.I)
SET_UP = re.compile(
    r"^(compile|use|configure|set_?up|set|use_?loss|set_?(loss|cost|optimi[sz]er)\w*|add_?loss|set_?\w*loss)$", re.I
)
LOSS = re.compile(r"loss|cost|criterion|objective|error", re.I)
DERIVATIVE = re.compile(r"prime|deriv|grad|^d_?|_d$|delta", re.I)
OPTIMIZER = re.compile(r"optim|^opt$", re.I)
SIMPLE = re.compile(r"sgd|gradient_?descent|vanilla", re.I)
DENSE = re.compile(r"dense|linear|affine|fc|full|layer", re.I)
SMOOTH = re.compile(r"tanh|sigmoid|softplus|sine?$", re.I)
OTHER = re.compile(r"drop|flatten|pool|conv|reshape|softmax|norm|pad|embed|rnn|lstm|gru", re.I)
MAX_BUILT = 8


def built(kind: type, scope: Scope, limit: int = 6) -> Iterator[Made]:
    """Instances of a class; of one that is made of layers, those with layers, a loss and an optimizer of the module."""
    several = [row for row in parameters_of_call(kind) if row.kind is row.VAR_POSITIONAL]  # Sequential(*layers)
    rows = [*required_of(kind), *several]
    given = {row.name: choices for row in rows if (choices := _parts(row.name, scope, kind))}
    for name, choices in given.items():
        given[name] = [*uses_of(kind, name).texts[:4], *choices]
    made_with = list(constructions(kind, scope, limit, given))
    for made in made_with or (constructions(kind, scope, limit) if given else ()):
        yield from itertools.islice(_set_up(made, scope), MAX_BUILT)


def _parts(name: str, scope: Scope, owner: type) -> list[Any]:
    """Values for an argument that is a part of a network, by its name: layers, a loss, its derivative, an optimizer."""
    if CONTAINER.match(name):
        return stacks(scope, owner) or [[N_IN, N_HIDDEN, N_OUT]]
    if LOSS.search(name):
        return _losses(scope, derivative=bool(DERIVATIVE.search(name)))
    return (_optimizers(scope) or [Step(1.0), Step(1.0, in_place=True)]) if OPTIMIZER.search(name) else []


def _set_up(made: Made, scope: Scope) -> Iterator[Made]:
    """The instance after `add(layer)` of each layer, if it has no arrays yet, and after methods such as compile."""
    kind, filled = type(made.instance), [made.instance]
    add = next((name for name in dir(kind) if ADD.match(name) and len(required_of(getattr(kind, name))) == 2), None)
    if add is not None and not array_slots(made.instance):
        filled = [thing for layers in stacks(scope, kind) if (thing := _added(made.instance, add, layers)) is not None]
    methods = [name for name in dir(kind) if SET_UP.match(name) and inspect.isfunction(getattr(kind, name))]
    found = []
    for thing in filled or [made.instance]:
        ready = [thing]
        for name in methods:
            ready = [after for each in ready for after in _called(each, name, scope)] or ready
        found += ready
    with_arrays = [thing for thing in found if array_slots(thing)] if filled[:1] != [made.instance] else found
    for thing in with_arrays or [made.instance]:
        yield Made(thing, made.settings)


def _added(instance: Any, add: str, layers: list[Any]) -> Any:
    thing = copy.deepcopy(instance)
    try:
        for layer in layers:
            getattr(thing, add)(copy.deepcopy(layer))
        copy.deepcopy(thing)
    except Exception:
        return None
    return thing


def _called(instance: Any, method: str, scope: Scope) -> Iterator[Any]:
    """The instance after a method such as compile(loss, optimizer), with each choice of its arguments."""
    rows = [row for row in arguments_of(getattr(instance, method)) if row.default is row.empty or row.default is None]
    choices = [_parts(row.name, scope, type(instance)) or _usual(row) for row in rows]
    for values in itertools.islice(zip(*choices, strict=False) if len(rows) == 2 else itertools.product(*choices), 6):
        thing = copy.deepcopy(instance)
        try:
            getattr(thing, method)(*copy.deepcopy(values))
            copy.deepcopy(thing)
        except Exception:
            continue
        yield thing


def _usual(row: inspect.Parameter) -> list[Any]:
    """The default of an argument; a likely value, such as a learning rate, if there is none."""
    return guesses(row)[:1] if row.default is row.empty else [row.default]


LAYER_FILE = r"^\s+def _?(back|bprop)\w*\(self"
DENSE_FILE = r"^class \w*(dense|linear|affine|fully)"
LOSS_FILE = rf"^\s*(class|def)\s+\w*({LOSS.pattern})"


def layer_kinds(scope: Scope, owner: type | None = None) -> list[tuple[str, type]]:
    """The layers of the module but `owner`; if there are not any, those of the files beside it."""
    kinds = [(name, kind) for name, kind in _classes(scope) if kind is not owner and _is_layer(kind)]
    if all(is_base_class(kind) for _, kind in kinds):
        beside = definitions_beside(scope.module, LAYER_FILE, DENSE_FILE).items()
        kinds = [(name, kind) for name, kind in beside if inspect.isclass(kind) and _is_layer(kind)]
    return [(name, kind) for name, kind in kinds if not is_base_class(kind)]


def stacks(scope: Scope, owner: type) -> list[Any]:
    """Lists of layers to try: two dense layers and an activation, also with one at the end that gives probabilities;
    without these, two simple layers, one layer, all.

    The layers are those of `layer_kinds`.
    """
    made = [(name, one) for name, kind in layer_kinds(scope, owner) for one in constructions(kind, scope, limit=1)]
    dense = [one for name, one in sorted(made, key=lambda row: not DENSE.search(row[0]))
             if _is_dense(one, name) and not OTHER.search(name)]  # fmt: skip
    simple = [(name, one.instance) for name, one in made if not array_slots(one.instance)]
    between = sorted(
        ((name, layer) for name, layer in simple if not OTHER.search(name) and not LOSS.search(name)),
        key=lambda row: not SMOOTH.search(row[0]),
    )
    ends = [[copy.deepcopy(layer)] for name, layer in simple if SQUASHES.search(name)]  # for losses of probabilities
    found: list[Any] = []
    for one, sizes in itertools.product(dense[:2], ((N_IN, N_HIDDEN, N_OUT), (N_IN, N_IN, N_IN))):
        first, last = _resized(one, *sizes[:2]), _resized(one, *sizes[1:])
        if first is not None and last is not None:
            outputs = [_resized(one, *sizes[1:], last=name) for name in OUTPUTS]
            found += [[first, output] for output in outputs if output is not None]
            found += [[first, layer, last, *end] for _, layer in between[:1] for end in ([], *ends)] + [[first, last]]
    found = found or [row for one in made if (row := _unbuilt(one[1], one[0], between))][:2]
    layers = [one.instance for _, one in made]
    return found or [row for row in ([layer for _, layer in simple[:2]], layers[:1], layers) if row]


def _unbuilt(made: Made, name: str, between: list[tuple[str, Any]]) -> list[Any]:
    """Two layers without arrays yet, which get the size of their input from the network; the first may know its own."""
    sizes = [key for key, value in made.settings.items() if type(value) is int]
    if array_slots(made.instance) or len(sizes) != 1 or not DENSE.search(name) or OTHER.search(name):
        return []
    optional = [row.name for row in arguments_of(type(made.instance)) if row.default is None]
    own = {key: (N_IN,) if "shape" in key else N_IN for key in optional if INPUT.search(key)}
    first = _constructed(made, {sizes[0]: N_HIDDEN} | dict(list(own.items())[:1]))
    last = _constructed(made, {sizes[0]: N_OUT})
    return [first, *(layer for _, layer in between[:1]), last] if first is not None and last is not None else []


INPUT = re.compile(r"^_?(in|input)_?(dim|size|shape|units|features)?", re.I)


def _is_dense(made: Made, name: str) -> bool:
    """Whether a layer has weights of its two sizes, or gets them from the network by its name."""
    given = {value for value in made.settings.values() if type(value) is int}
    if not array_slots(made.instance):
        return given == {N_IN, N_OUT} and bool(DENSE.search(name))
    return any(
        sizes <= given and any(set(array.shape) == sizes for _, array in array_slots(made.instance))
        for sizes in ({N_IN, N_OUT}, {N_IN, N_HIDDEN})
    )


OUTPUTS = ("softmax", "sigmoid")
SQUASHES = re.compile(r"^(softmax|sigmoid)(_?(layer|activation))?$", re.I)


def _resized(made: Made, inputs: int, outputs: int, last: str = "") -> Any:
    """A layer of the same settings with other sizes and, with `last`, this activation.

    None if it can't be constructed, or has no argument for an activation that may be left out.
    """
    sizes = {N_IN: inputs, N_OUT: outputs, N_HIDDEN: outputs}
    changes: dict[str, Any] = {
        name: sizes.get(value, value) for name, value in made.settings.items() if type(value) is int
    }
    if last:
        rows = [row for row in arguments_of(type(made.instance)) if re.search("^act|activation", row.name, re.I)]
        if not any(row.default is None or isinstance(row.default, str) for row in rows):
            return None
        changes[rows[0].name] = last
    return _constructed(made, changes)


def _constructed(made: Made, changes: dict[str, Any]) -> Any:
    try:
        return copy.deepcopy(type(made.instance)(**copy.deepcopy(made.settings | changes)))  # its defaults are its own
    except Exception:
        return None


def _classes(scope: Scope) -> list[tuple[str, type]]:
    return [(name, value) for name, value in definitions(scope) if inspect.isclass(value)]


def definitions(scope: Scope) -> list[tuple[str, Any]]:
    """The classes and functions of the module, then those that it imports from other modules of the project."""
    own = list(scope.everything.items())
    known = {name for name, _ in own}
    return own + [
        (name, value) for name, value in scope.namespace.items()
        if name not in known and (inspect.isclass(value) or inspect.isfunction(value))
        and is_of_project(value)
    ]  # fmt: skip


def _is_layer(kind: type) -> bool:
    names = [name for name in dir(kind) if inspect.isfunction(getattr(kind, name, None))]
    container = any(CONTAINER.match(row.name) for row in arguments_of(kind))
    forwards = [name for name in names if FORWARD.match(name)]
    backward = any(map(BACKWARD.search, names)) or any(returns_pullback(getattr(kind, name)) for name in forwards)
    return bool(forwards) and backward and not container


def _losses(scope: Scope, *, derivative: bool) -> list[Any]:
    """The losses of the module, as instances and functions, or their derivatives; else half the sum of squares."""
    found = _losses_among(definitions(scope), derivative=derivative)
    if derivative:
        return found or [_slope_truth_first, _slope]
    beside = [] if found else list(definitions_beside(scope.module, LOSS_FILE).items())
    return found or [*_losses_among(beside, derivative=False)[:MAX_BESIDE], _half_squares, _half_squares]


MAX_BESIDE = 3  # losses of other files, each of which is tried


def _losses_among(rows: list[tuple[str, Any]], *, derivative: bool) -> list[Any]:
    """The losses, or their derivatives, among definitions: instances, classes and functions."""
    functions = [value for name, value in rows if inspect.isfunction(value) and "." not in name
                 and LOSS_NAME.search(name) and bool(DERIVATIVE.search(name)) == derivative
                 and len(required_of(value)) == 2]  # fmt: skip
    if derivative:
        return functions
    kinds = [kind for name, kind in rows if inspect.isclass(kind) and not is_base_class(kind)
             and (LOSS_NAME.search(name) or _has_loss_and_slope(kind))]  # fmt: skip
    instances = [made.instance for kind in kinds for made in constructions(kind, None, limit=1)]
    return [*instances, *kinds, *functions]


def _has_loss_and_slope(kind: type) -> bool:
    """Whether a class has a method for the loss and one for its derivative, unlike a layer."""
    names = [name for name in vars(kind) if not name.startswith("_")]
    slopes = [name for name in names if DERIVATIVE.search(name) or BACKWARD.search(name)]
    return any(LOSS.search(name) and name not in slopes for name in names) and bool(slopes) and len(names) <= 4


LOSS_NAME = re.compile(r"loss|cost|[mrs]se|mean_?squared|entropy|squared?_?error|criterion|mae|bce|cce", re.I)


def _half_squares(y_true: Array, y_pred: Array) -> float:
    return float(0.5 * np.sum(np.subtract(y_pred, y_true) ** 2))


def _slope_truth_first(y_true: Array, y_pred: Array) -> Any:
    return np.subtract(y_pred, y_true)


def _slope(y_pred: Array, y_true: Array) -> Any:
    return np.subtract(y_pred, y_true)


def _optimizers(scope: Scope) -> list[Any]:
    """Optimizers of the module, those of gradient descent first, as instances and as classes."""
    named = [(name, kind) for name, kind in _classes(scope)
             if (OPTIMIZER.search(name) or SIMPLE.search(name)) and not is_base_class(kind)]  # fmt: skip
    named.sort(key=lambda row: not SIMPLE.search(row[0]))
    found = [made.instance for _, kind in named for made in constructions(kind, None, limit=1)]
    return [*found, *(kind for _, kind in named)]
