"""Layers and losses that are wired to the layer before them: forward() and backward() take no arguments.

    before = Input(5, 4); dense = Dense(before, 3); dense.forward(); dense.backward()

They read the output of another object, keep their own, and add to the gradient beside it. An instance is constructed
with a layer of the module that has an output array, as its input; then x, dy and their places are set from outside.
"""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import LossCode
from nnlaw.spec.discovery.adapters.losses import found_of as loss_found_of
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.calls import N_IN, Made, N, constructions, guesses
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_methods import BACKWARD, FORWARD, is_method
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.layer_setup import prepared
from nnlaw.spec.discovery.match_gradients import in_gradient_container, is_gradient_name
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.slots import Slot, array_slots, attributes_of, number_slots
from nnlaw.spec.discovery.stacks import definitions
from nnlaw.spec.subjects.gradient_names import is_gradient_of

MAX_SOURCES = 3


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The classes of the module whose forward and backward take no arguments."""
    for name, kind in list(scope.classes.items()):
        methods = wired_methods(kind)
        if methods is not None and not is_base_class(kind):
            yield _found(name, kind, methods, scope)


def wired_methods(kind: type) -> tuple[str, str] | None:
    """The names of forward and backward, if neither takes an argument."""
    front, back = (next((name for name in names if is_method(kind, name)), "") for names in (FORWARD, BACKWARD))
    taking = [arguments_of(getattr(kind, name), bound=True) for name in (front, back) if name]
    return (front, back) if front and back and not any(taking) else None


def _found(name: str, kind: type, methods: tuple[str, str], scope: Scope) -> Found | None:
    """The class as a layer or a loss; None without a layer of the module that it can be wired to."""
    style, location = f"class with {methods[0]}() and {methods[1]}(), wired to other layers", class_location(kind)
    for wiring in wirings(kind, methods, scope):
        if wiring.number is not None:
            code = LossCode(WiredLoss(wiring), "value", ("p", "t"), "gradient", ())
            found = loss_found_of(name, style, location, kind, [code], scope, [], named=True)
        else:
            instance = (WiredLayer if len(wiring.inputs) == 1 else WiredPair)(wiring)
            best = best_attempt([Made(instance, wiring.made.settings)], ("forward", "backward"), scope)
            found = found_of(best, name, style, kind) if best is not None and best.layer is not None else None
        if found is not None and found.readings:
            calls = f"{wiring.describe(name)}; {found.readings[0].calls.rpartition('; ')[2]}"
            return replace(found, readings=tuple(replace(reading, calls=calls) for reading in found.readings))
    return None


@dataclass(frozen=True)
class Wiring:
    """An instance, its methods, and the places of its inputs, of its output, and of the gradients beside them."""

    made: Made
    methods: tuple[str, str]
    inputs: tuple[Slot, ...]
    slopes: tuple[Slot, ...]
    output: Slot | None = None
    incoming: Slot | None = None
    number: Slot | None = None
    """The place of the loss, if it is one; the last input is then the target."""
    rebuild: Callable[[tuple[int, ...]], Any] | None = None
    """Constructs an instance for another shape of the input; None if it has arrays of its own."""

    def describe(self, name: str) -> str:
        """How the instance is called."""
        words = ["x", "target"] if self.number is not None else ["x"] if len(self.inputs) == 1 else ["x0", "x1"]
        places = [f"{slot.name} = {word}" for slot, word in zip(self.inputs, words, strict=True)]
        middle = [f"{self.incoming.name} = dy"] if self.incoming is not None else []
        calls = [*places, f"{self.methods[0]}()", *middle, f"{self.methods[1]}()"]
        return f"{self.made.call(name)}: {', '.join(calls)}"


def wirings(kind: type, methods: tuple[str, str], scope: Scope) -> Iterator[Wiring]:
    """Instances that are wired to an object with an array, with the places that were found."""
    rows = required_of(kind)
    for source, shape in itertools.islice(_sources(kind, scope), MAX_SOURCES):
        marks = {row.name: np.random.default_rng(i).uniform(0.2, 0.8, shape) for i, row in enumerate(rows)}
        sources = {name: _marked(source.instance, mark) for name, mark in marks.items()}
        given = {row.name: [sources[row.name], *guesses(row, scope, kind)] for row in rows}
        for made in constructions(kind, scope, 3, given):
            ready = prepared(made, shape[1:])
            wiring = _wiring(ready, methods, marks)
            if wiring is not None:
                wired = [name for name, value in made.settings.items() if value is sources[name]]
                used = {*wiring.inputs, *wiring.slopes, wiring.output, wiring.incoming, wiring.number}
                is_empty = not {slot for slot, _ in _values(ready.instance)} - used
                yield replace(wiring, rebuild=partial(_rebuild, kind, source, wired, made) if is_empty else None)


def _rebuild(kind: type, source: Made, wired: list[str], made: Made, shape: tuple[int, ...]) -> Any:
    """An instance wired to sources of another shape."""
    sizes = dict(zip((N, N_IN), shape, strict=False))
    settings = {name: sizes.get(value, value) if type(value) is int else value
                for name, value in source.settings.items()}  # fmt: skip
    sources = {name: type(source.instance)(**copy.deepcopy(settings)) for name in wired}
    return kind(**copy.deepcopy({**made.settings, **sources}))


def _sources(owner: type, scope: Scope) -> Iterator[tuple[Made, tuple[int, ...]]]:
    """Instances of other classes with an array of samples as rows, and its shape; layers come last."""
    kinds = [each for _, each in definitions(scope) if inspect.isclass(each) and each is not owner]
    for kind in sorted(kinds, key=lambda each: wired_methods(each) is not None):
        for made in constructions(kind, scope, limit=1):
            shapes = [array.shape for slot, array in _values(made.instance) if array.ndim == 2 and len(array) == N]
            if shapes:
                yield made, shapes[0]


def _values(thing: Any) -> list[tuple[Slot, Array]]:
    """The arrays of floats, without gradients."""
    rows = [(slot, array) for slot, array in array_slots(thing) if array.dtype.kind == "f"]
    return [row for row in rows if not is_gradient_name(row[0].key) and not in_gradient_container(row[0])]


def _marked(source: Any, mark: Array) -> Any:
    """A copy of a source whose array is `mark`, by which it is recognized."""
    twin = copy.deepcopy(source)
    for slot, array in _values(twin):
        if array.shape == mark.shape:
            slot.set(twin, mark.copy())
    return twin


def _wiring(made: Made, methods: tuple[str, str], marks: dict[str, Array]) -> Wiring | None:
    """The places in an instance; None if forward fails or computes nothing from a marked array."""
    for slot in number_slots(made.instance):  # a parameter that is one number becomes an array
        value = slot.get(made.instance)
        if type(value) is float and _slope_of(made.instance, slot) is not None:
            setattr(slot.parent.get(made.instance), slot.key, np.array(value))  # Slot.set would keep it a number
    thing = copy.deepcopy(made.instance)
    places = {name: next((slot for slot, array in _values(thing) if np.array_equal(array, mark)), None)
              for name, mark in marks.items()}  # fmt: skip
    inputs = {name: slot for name, slot in places.items() if slot is not None}
    slopes = {name: _slope_of(thing, slot) for name, slot in inputs.items()}
    before = {slot: array.copy() for slot, array in _values(thing)}
    try:
        with np.errstate(all="ignore"):
            numbers = _numbers(thing)
            getattr(thing, methods[0])()
    except Exception:
        return None
    targets = [name for name in inputs if is_target(name)]
    changed = [slot for slot, old in _numbers(thing).items() if numbers.get(slot) != old]
    if len(inputs) == 2 and len(targets) == 1 and changed:
        ordered = sorted(inputs, key=is_target)
        slope, slots = slopes[ordered[0]], tuple(inputs[name] for name in ordered)
        return Wiring(made, methods, slots, (slope,), number=changed[-1]) if slope is not None else None
    new = [slot for slot, array in _values(thing)
           if slot not in inputs.values() and not np.array_equal(before.get(slot, np.nan), array)]  # fmt: skip
    for slot in reversed(new):
        incoming = _slope_of(thing, slot)
        if incoming is not None and 1 <= len(inputs) <= 2 and None not in slopes.values():
            found = tuple(one for one in slopes.values() if one is not None)
            return Wiring(made, methods, tuple(inputs.values()), found, slot, incoming)
    return None


def _numbers(thing: Any) -> dict[Slot, float]:
    """The numbers among the attributes, and the arrays of one entry."""
    found = {slot: float(slot.get(thing)) for slot in number_slots(thing)}
    return found | {slot: array.item() for slot, array in array_slots(thing) if array.size == 1}


def _slope_of(thing: Any, slot: Slot) -> Slot | None:
    """The attribute beside an array that is its gradient, by its name."""
    own = attributes_of(slot.parent.get(thing))
    names = [name for name, value in own.items() if name != slot.key and not isinstance(value, dict | list | tuple)]
    found = [name for name in names if is_gradient_of(name, slot.key)] or [n for n in names if is_gradient_name(n)]
    return Slot((*slot.parent.steps, (".", found[0]))) if found else None


class _Wired:
    """An instance between its neighbors, which are set and read in place of them."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring, self.instance = replace(wiring, made=Made(None)), wiring.made.instance
        self._size = wiring.inputs[0].get(self.instance).shape

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = object.__new__(type(self))
        twin._wiring, twin._size, twin.instance = self._wiring, self._size, copy.deepcopy(self.instance, memo)
        return twin

    def source_of(self, method: str) -> Any:
        """The author's method."""
        return getattr(type(self.instance), self._wiring.methods[method not in ("forward", "value")])

    def _run(self, *inputs: Array) -> None:
        if self._wiring.rebuild is not None and inputs[0].shape != self._size:
            self.instance, self._size = self._wiring.rebuild(inputs[0].shape), inputs[0].shape
        for slot, x in zip(self._wiring.inputs, inputs, strict=True):
            slot.set(self.instance, x)
        for slot, x in zip(self._wiring.slopes, inputs, strict=False):
            slot.set(self.instance, np.zeros(x.shape))
        for name, value in attributes_of(self.instance).items():
            if "batch" in name and type(value) is int:
                setattr(self.instance, name, len(inputs[0]))
        getattr(self.instance, self._wiring.methods[0])()

    def _slopes(self) -> list[Any]:
        getattr(self.instance, self._wiring.methods[1])()
        for slot in number_slots(self.instance):
            if is_gradient_name(slot.key):
                slot.set(self.instance, np.array(slot.get(self.instance)))
        return [slot.get(self.instance) for slot in self._wiring.slopes]


class WiredLayer(_Wired):
    """forward(x) and backward(dy) of an instance with one input."""

    def forward(self, x: Array) -> Any:
        """The output."""
        return self._forward(x)

    def _forward(self, *inputs: Array) -> Any:
        self._run(*inputs)
        assert self._wiring.output is not None
        return self._wiring.output.get(self.instance)

    def backward(self, dy: Array) -> Any:
        """The gradient of the input, or of both inputs."""
        assert self._wiring.incoming is not None
        self._wiring.incoming.set(self.instance, dy)
        found = self._slopes()
        return found[0] if len(found) == 1 else tuple(found)


class WiredPair(WiredLayer):
    """forward(x0, x1) and backward(dy) of an instance with two inputs."""

    def forward(self, x0: Array, x1: Array) -> Any:  # type: ignore[override]  # takes two inputs
        """The output."""
        return self._forward(x0, x1)


class WiredLoss(_Wired):
    """The value and the gradient of a loss."""

    def value(self, prediction: Array, target: Array) -> Any:
        """The loss."""
        self._run(prediction, target)
        assert self._wiring.number is not None
        return self._wiring.number.get(self.instance)

    def gradient(self) -> Any:
        """The gradient of the prediction."""
        return self._slopes()[0]
