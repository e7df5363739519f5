"""Any class with a forward and a backward, behind the layer protocol.

    layer = adapt_instance(instance, plan, randomness)
    y = layer.forward(x)                    x and y have samples as rows, in any layout of the class
    dx = layer.backward(dy)                 layer.grads holds the gradients by the names in layer.params

Each forward runs on a new copy of the instance, with the parameters in `params` put in and all random generators set
back. So no call sees what an earlier one left behind, and backward is called once per forward.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.calls import TEST_NAMES, Randomness, Settings
from nnlaw.spec.discovery.function_pair import CachedPair
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.layouts import Layout
from nnlaw.spec.discovery.match_gradients import Kept, in_shape_of
from nnlaw.spec.discovery.scope import decorated
from nnlaw.spec.discovery.slots import Slot, array_slots, attributes_of, is_user_object
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.discovery.written_arguments import line_that_writes, read_only
from nnlaw.spec.subjects.copies import copy_of_generator
from nnlaw.spec.subjects.recipe import Recipe

FIRST_STATE = np.random.default_rng(0).bit_generator.state["state"]["state"]
ZERO = re.compile(r"_?(zero|reset|clear)_?(the_?)?(all_?)?(grads?|gradients?)\w*$", re.I)
RATES = (0.625, 0.1875)  # unlike 2, their inverses are not usual factors: a fix must not divide by the rate
"""Learning rates for a backward that steps by itself."""


@dataclass(frozen=True)
class Given:
    """An argument of a call: "x" and its number, "dy", "y", "rate", "optimizer", a "value", or a "slot" of the object.

    "item" is part of what forward returned, by its number; "count" the number of samples of the call.

    With a `keyword` it is passed by name.
    """

    what: str
    value: Any = None
    keyword: str = ""


@dataclass(frozen=True)
class Plan:
    """How to call one class.

    `inputs` are the shapes of the inputs of one sample; `integers` is the number of different integers, if the input
    is one of integers. `output` and `dx` are places in the returned value ("returned") or in the object ("object").
    `aliases` are the places of each parameter: the same array may be kept in several.
    """

    forward: str
    forward_arguments: tuple[Given, ...]
    backward: str
    backward_arguments: tuple[Given, ...]
    layout: Layout
    inputs: tuple[tuple[int, ...], ...]
    output: Kept
    more: tuple[Kept, ...] = ()
    """Further outputs that have an incoming gradient of their own."""
    items: tuple[str, ...] = ()
    """The names of the parts of a tuple that forward returns, "" for one without a name."""
    dx: tuple[Kept | None, ...] = ()
    integers: int = 0
    aliases: dict[str, tuple[Slot, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    """Arrays that look like weights, but that the output does not depend on."""
    kept: tuple[str, ...] = ()
    """Random masks of the first call that later calls use again."""
    without_gradient: tuple[str, ...] = ()
    transposed: tuple[str, ...] = ()
    """Vectors whose gradient is a row for a column, or the reverse, which the update of the class transposes."""
    """Arrays that the output depends on, and whose gradient was not found."""
    grads: dict[str, Kept] = field(default_factory=dict)
    preset: tuple[tuple[Slot, Given], ...] = ()
    """Attributes to set before backward, such as an incoming gradient that it reads from the object."""
    after: tuple[str, tuple[Given, ...]] | None = None
    """A method that takes the step after backward, with its arguments."""
    entry: int | None = None
    """The only entry of each sample's output that a loss depends on; the output is then this entry."""
    multiplies: bool = False
    """Whether backward returns the derivative alone, to be multiplied with dy."""
    as_rows: bool = False
    """Whether gradients of vectors are passed and returned as arrays of one row."""
    mode: str = ""
    """The attribute of the object that chooses the mode, True in training."""
    rate: Slot | None = None
    """Where the object keeps its learning rate, if it steps by itself and has no such argument."""

    def samples(self, inputs: Sequence[Array]) -> int:
        """The number of samples in the inputs of one call."""
        return 1 if self.layout.single else len(self.layout.to_rows(inputs[0]))

    def split(self, x: Array) -> list[list[Array]]:
        """For each call, the inputs that it takes."""
        columns = unpacked(x, self.inputs)
        if self.integers:
            columns = [np.abs(np.rint(column)).astype(np.int64) % self.integers for column in columns]
        return [list(row) for row in zip(*(self.layout.split(column) for column in columns), strict=True)]

    def __deepcopy__(self, memo: dict[int, Any]) -> Plan:
        return self  # nothing changes it, and values of arguments are copied for each call


SMALL = 1e-4


def logits_of(y: Array, link: str) -> Array:
    """The logits of probabilities: those of a softmax have the mean 0 in each sample."""
    logs = np.log(y)
    return np.asarray(logs - logs.mean(axis=-1, keepdims=True) if link == "softmax" else logs - np.log1p(-y))


def clips(*functions: Any) -> bool:
    """Whether the source of one of these functions clips values, such as gradients."""
    return any("clip" in source_text(function) for function in functions)


class AdaptedLayer:
    """The protocol over an instance and a plan."""

    def __init__(self, instance: Any, plan: Plan, randomness: Randomness) -> None:
        self.instance, self.plan, self.randomness = instance, plan, randomness
        self.params = {
            name: np.array(places[0].get(instance), np.float64) for name, places in plan.aliases.items()
        }
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.training = self.needs_dx = True
        self.runs: list[_Run] = []
        parts = map(type, attributes_of(instance).values())
        self.scale = SMALL if clips(self.source_of("backward"), *parts) else 1.0
        """The factor on dy in calls of backward, whose results are divided by it: small values are not clipped."""
        self.seeds = np.random.default_rng(0)  # a law that advances it gets other random numbers in each call
        self.factor: Callable[[int], float] | None = None
        """A factor by which the gradients of the parameters are divided, by the number of samples."""
        self.recipe: Recipe | None = None
        """How a script calls it, if a few lines can."""
        self.has_steps = any(True for _ in steps_in(instance))
        self.evaluation = _evaluation_of(instance)
        """What a dict of settings has as its mode in evaluation; "" if there is no such dict."""
        self.passes_on = False
        """Whether forward is replaced by the identity, because a loss computes its derivative."""
        self.link = ""
        """"softmax" or "sigmoid" if the output is that of it, and the logits are taken instead."""
        own = attributes_of(instance)
        dicts = [value for value in own.values() if isinstance(value, dict)]  # self.params = {"alpha": 1.2}
        items = {name: value for each in dicts for name, value in each.items() if isinstance(name, str)}
        numbers = {**items, **vars(type(instance)), **own}
        for name, value in numbers.items():  # laws and causes look for constants such as a slope among the attributes
            if isinstance(value, int | float) and not isinstance(value, bool) and not hasattr(self, name):
                setattr(self, name, value)

    def __deepcopy__(self, memo: dict[int, Any]) -> AdaptedLayer:
        """A copy that runs forward again before backward: a run contains as much as the instance."""
        twin = memo[id(self)] = object.__new__(type(self))
        memo[id(self.seeds)] = copy_of_generator(self.seeds)
        for name, value in vars(self).items():
            setattr(twin, name, [] if name == "runs" else copy.deepcopy(value, memo))
        return twin

    def source_of(self, method: str) -> Any:
        """The author's function behind a method, for locations."""
        if hasattr(self.instance, "source_of"):  # it is a pair of functions
            return self.instance.source_of(method)
        return decorated(
            getattr(type(self.instance), {"forward": self.plan.forward}.get(method, self.plan.backward), None)
        )

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the inputs of one sample, which are side by side in x."""
        return self.plan.inputs

    @property
    def without_gradient(self) -> tuple[str, ...]:
        """The arrays that the output depends on, and that are not among the parameters."""
        return self.plan.without_gradient

    @property
    def sets_gradients_to_zero(self) -> bool:
        """Whether a method such as zero_grad() is called before each backward."""
        return any(map(ZERO.match, dir(self.instance)))

    @property
    def has_mode(self) -> bool:
        """Whether an attribute or an argument chooses between training and evaluation."""
        return (
            bool(self.plan.mode) or any(given.what == "mode" for given in self.plan.forward_arguments)
            or bool(self.evaluation)
        )  # fmt: skip

    @property
    def has_dx(self) -> bool:
        """Whether backward computes a gradient of the input, or of each of several."""
        return bool(self.plan.dx) and all(place is not None for place in self.plan.dx)

    def forward(self, x: Array) -> Array:
        """The output, with samples as rows."""
        self.x = x
        self._run(RATES[0])
        if self.passes_on:
            self.shapes = [x.shape[1:]]
            return x.copy()
        columns = [self.plan.layout.join(parts) for parts in zip(*(run.ys for run in self.runs), strict=True)]
        self.shapes = [column.shape[1:] for column in columns]
        if self.plan.entry is not None:
            self.shape = columns[0].shape
            return columns[0].reshape(len(x), -1)[:, self.plan.entry : self.plan.entry + 1]
        if len(columns) == 1:
            return logits_of(columns[0], self.link) if self.link else columns[0]
        return np.concatenate([column.reshape(len(x), -1) for column in columns], axis=1)

    def _run(self, rate: float) -> None:
        self.randomness.reset(int(self.seeds.bit_generator.state["state"]["state"] - FIRST_STATE) % 2**32)
        self.randomness.reset_arrays()
        self.runs = [_Run(self, inputs, rate) for inputs in self.plan.split(self.x)]

    def backward(self, dy: Array) -> Array | None:
        """The gradient of the input, if there is one; those of the parameters are put into `grads`."""
        dx, grads = self._backward(dy, RATES[0])
        divisor = 1.0 if self.factor is None else self.factor(len(self.x))
        self.grads = {name: gradient / divisor for name, gradient in grads.items()}
        return dx

    def _backward(self, dy: Array, rate: float) -> tuple[Array | None, dict[str, Array]]:
        if not self.runs or any(run.used or run.rate != rate for run in self.runs):
            self._run(rate)
        if self.plan.entry is not None:
            whole = np.zeros((len(dy), int(np.prod(self.shape[1:]))))
            whole[:, self.plan.entry] = dy[:, 0]
            dy = whole.reshape(self.shape)
        dy = self._centered(dy)
        columns = [self.plan.layout.split(column) for column in unpacked(dy, self.shapes)]
        for run, slopes in zip(self.runs, zip(*columns, strict=True), strict=True):
            run.backward([self.scale * slope for slope in slopes])
        grads: dict[str, Array] = {}
        for name in self.plan.grads:
            parts = [run.gradient(name) for run in self.runs]
            grads[name] = (parts[0] if len(parts) == 1 else np.sum(parts, axis=0)) / self.scale
        if not self.has_dx:
            return None, grads
        gradients = []
        for i in range(len(self.plan.inputs)):
            parts = [run.dx(i) / self.scale for run in self.runs]
            column = np.atleast_1d(self.plan.layout.join(parts))  # a number is of a wrong shape, not an error
            gradients.append(column.reshape(len(column), -1) if len(self.plan.inputs) > 1 else column)
        return (gradients[0] if len(gradients) == 1 else np.concatenate(gradients, axis=1)), grads


    def _centered(self, dy: Array) -> Array:
        """The gradient of the logits: those of a softmax are known up to a number per sample."""
        return dy - dy.mean(axis=-1, keepdims=True) if self.link == "softmax" else dy

    def written_arguments(self, x: Array) -> list[tuple[str, str, int]]:
        """The inputs of forward that it changes, or dy if backward does: the method, the argument, and the line."""
        self.forward(x)
        run = self.runs[0]
        given = self.plan.split(x)[0]
        changed = [i for i, rows in enumerate(zip(run.inputs, given, strict=True)) if not np.array_equal(*rows)]
        if changed:
            run.inputs = [read_only(array) for array in given]
            forward = self.source_of("forward")
            line = line_that_writes(lambda: run._call(self.plan.forward, self.plan.forward_arguments), forward)
            return [("forward", "x" if len(self.plan.inputs) == 1 else f"x{i}", line) for i in changed]
        slopes = [self.scale * np.random.default_rng(5).standard_normal(y.shape) for y in run.ys]
        copies = [slope.copy() for slope in slopes]
        run.backward(copies)
        written = sum(not np.array_equal(*rows) for rows in zip(copies, slopes, strict=True))
        if not written:
            return []
        self.forward(x)
        backward = self.source_of("backward")
        line = line_that_writes(lambda: self.runs[0].backward([read_only(array) for array in slopes]), backward)
        return [("backward", "dy", line)] * written

    def evaluated(self, x: Array, batch: Array, times: int = 1) -> Array | None:
        """The output for a batch in evaluation mode, of an instance that was called with x in training before.

        It was called that many times. None if its calls take one sample each, or if it has several inputs.
        """
        if self.plan.layout.single or self.passes_on or self.plan.entry is not None or len(self.plan.inputs) > 1:
            return None
        run = self._trained(x)
        for _ in range(times - 1):
            run.start(self.plan.split(x)[0])
        self.training = False
        run.set_mode()
        run.start(self.plan.split(batch)[0])
        return self.plan.layout.join([run.ys[0]])

    def state_after(self, x: Array) -> list[Array]:
        """Before and after a second call in training, which is that with x, each array of the instance that the call
        has changed in place or replaced by one of the same shape, as rows of two.
        """
        run = self._trained(x / 2 if x.dtype.kind == "f" else x[::-1])
        before = {name: np.array(array) for name, array in _arrays_of(run.thing)}
        run.start(self.plan.split(x)[0])
        pairs = [(before[name], array) for name, array in _arrays_of(run.thing) if name in before]
        return [np.stack(pair) for pair in pairs if pair[0].shape == pair[1].shape and not np.array_equal(*pair)]

    def _trained(self, x: Array) -> _Run:
        """A copy of the instance that was called with x in training."""
        self.training, self.x = True, x
        self._run(RATES[0])
        return self.runs[0]

    def adds_up_over_steps(self, x: Array, step: tuple[str, tuple[Given, ...]] | None) -> bool:
        """Whether the gradients of all parameters are twice as large after a second batch like the first, with a call
        of `step` in between, if there is one.
        """
        self.forward(x)
        run, found = self.runs[0], list[dict[str, Array]]()
        for _ in range(2):
            run.backward([np.ones_like(y) for y in run.ys])
            found.append({name: run.gradient(name) for name in self.plan.grads})
            if step is not None:
                run._call(*step)
            for name, places in self.plan.aliases.items():
                for place in places:
                    place.set(run.thing, run.before[name].copy())
            run.start(self.plan.split(x)[0])
        pairs = [(found[0][name], found[1][name]) for name in self.plan.grads]
        return bool(pairs) and all(a.any() and np.allclose(b, 2 * a, rtol=1e-9) for a, b in pairs)

    def reused(self, x: Array, other: Array, dy: Array) -> dict[str, list[Array]]:
        """The output, dx and gradients of an instance that was called before with another batch, each with that of a
        new instance. The gradient of a parameter has a third array: that of the other batch.

        The instance runs forward and backward on the other batch first; dy has the samples of the larger one. Empty if
        it steps by itself; the gradients are left out if the earlier batch changes the output.
        """
        if any(kept.where == "step" for kept in self.plan.grads.values()):
            return {}
        self.forward(other)
        self._backward(dy[: len(other)], RATES[0])
        dy = dy[: len(x)]
        used = self.runs
        if any(not np.array_equal(places[0].get(run.thing), run.before[name])
               for run in used for name, places in self.plan.aliases.items()):  # fmt: skip
            return {}
        earlier = [{name: run.gradient(name) for name in self.plan.grads} for run in used]
        self.randomness.reset()
        try:
            for run, inputs in zip(used, self.plan.split(x), strict=True):
                run.start(inputs)
        except (AssertionError, RuntimeError):  # it refuses a second batch until it is reset
            return {}
        self.forward(x)
        dx, _ = self._backward(dy, RATES[0])
        new = self.runs
        if any(run.ys[0].shape != fresh.ys[0].shape for run, fresh in zip(used, new, strict=True)):
            return {}
        outputs = [self.plan.layout.join([run.ys[0] for run in runs]) for runs in (used, new)]
        if not np.array_equal(outputs[0], outputs[1]):
            return {"output": outputs}
        found = {"output": outputs}
        self.randomness.reset_arrays()
        columns = [self.plan.layout.split(part) for part in unpacked(self._centered(dy), self.shapes)]
        for run, slopes in zip(used, zip(*columns, strict=True), strict=True):
            run.backward([self.scale * slope for slope in slopes])
        if dx is not None:
            gradients = [
                self.plan.layout.join([run.dx(i) / self.scale for run in used]) for i in range(len(self.plan.inputs))
            ]
            whole = gradients[0] if len(gradients) == 1 else np.concatenate(
                [gradient.reshape(len(x), -1) for gradient in gradients], 1
            )
            found["dx"] = [whole, dx]
        for name in self.plan.grads:
            found[f"d{name}"] = [used[0].gradient(name), new[0].gradient(name), earlier[0][name]]
        return found


def _settings_of(instance: Any) -> list[Settings]:
    return [value for value in attributes_of(instance).values() if isinstance(value, Settings)]


EVALUATION = re.compile(r"""["'](test|eval|evaluate|evaluation|inference|infer|predict)["']""")


def _evaluation_of(instance: Any) -> str:
    """The text that a pair of functions compares its mode with, in a dict of settings; "" if it does not."""
    if not isinstance(instance, CachedPair) or not _settings_of(instance):
        return ""
    text = source_text(instance.functions[0])
    found = EVALUATION.search(text)
    return found[1] if found and re.search(r"""["']mode["']""", text) else ""


def _arrays_of(instance: Any) -> list[tuple[str, Array]]:
    """The arrays of real numbers of an instance, by their places."""
    return [(str(slot), array) for slot, array in array_slots(instance) if array.dtype.kind == "f"]


def unpacked(x: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Several arrays with these shapes per sample, out of one that has them side by side; itself if there is one."""
    if len(shapes) == 1:
        return [x]
    sizes = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    parts = np.split(x, sizes, axis=1)
    return [part.reshape(len(x), *shape) for part, shape in zip(parts, shapes, strict=True)]


def steps_in(thing: Any, depth: int = 3) -> Iterator[Step]:
    """The gradient steps that an object and its parts have in place of optimizers."""
    values = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    for value in values:
        parts = value.values() if isinstance(value, dict) else value
        for part in parts if isinstance(value, dict | list | tuple) else [value]:
            if isinstance(part, Step):
                yield part
            elif depth and is_user_object(part):
                yield from steps_in(part, depth - 1)


class _Run:
    """One forward of a copy of the instance, and one backward after it."""

    def __init__(self, layer: AdaptedLayer, inputs: list[Array], rate: float) -> None:
        self.layer, self.plan, self.rate, self.used = layer, layer.plan, rate, False
        self.thing = copy.deepcopy(layer.instance)
        for name, places in self.plan.aliases.items():
            array = layer.params[name].copy()
            for place in places:
                place.set(self.thing, array)
        for step in steps_in(self.thing) if layer.has_steps else ():  # optimizers of the instance
            step.rate = step.lr = step.learning_rate = rate
        self.set_mode()
        if self.plan.rate is not None:
            self.plan.rate.set(self.thing, rate)
        self.before = {name: array.copy() for name, array in layer.params.items()}
        self.returned: Any = None
        self.start(inputs)

    def set_mode(self) -> None:
        """Put the mode of the layer into the instance."""
        if self.plan.mode:
            setattr(self.thing, self.plan.mode, bool(self.layer.training) is not bool(TEST_NAMES.match(self.plan.mode)))
        if self.layer.evaluation and not self.layer.training:
            for settings in _settings_of(self.thing):
                settings["mode"] = self.layer.evaluation

    def start(self, inputs: list[Array]) -> None:
        """Run forward, on the instance as it is."""
        self.inputs = [array.copy() for array in inputs]  # the code may write into them
        self.value = self._call(self.plan.forward, self.plan.forward_arguments)
        self.ys = [np.array(self._place(place, self.value)) for place in (self.plan.output, *self.plan.more)]

    def _place(self, place: Kept, value: Any) -> Any:
        return place.slot.get(value if place.where == "returned" else self.thing)

    def _call(self, method: str, given: tuple[Given, ...], dy: list[Array] | None = None) -> Any:
        arguments, named = [], {}
        for row in given:
            value = self.argument(row, dy)
            if row.keyword:
                named[row.keyword] = value
            else:
                arguments.append(value)
        return getattr(self.thing, method)(*arguments, **named)

    def argument(self, given: Given, dy: list[Array] | None) -> Any:
        """The value of one argument."""
        match given.what:
            case "x":
                return self.inputs[given.value or 0]
            case "dy":
                return None if dy is None else dy[given.value or 0]
            case "y":
                return self.ys[0].copy()
            case "returned":
                return self.value
            case "count":
                return self.plan.samples(self.inputs)
            case "item":
                return self.value[given.value]
            case "cache":
                rest = self.value[1:] if isinstance(self.value, tuple | list) else (self.value,)
                return rest[0] if len(rest) == 1 else rest
            case "gradients":  # an empty dict that backward fills; among the attributes it is found like others
                self.thing.filled_gradients = {}
                return self.thing.filled_gradients
            case "mode" if not self.layer.training:
                return "test" if isinstance(given.value, str) else not given.value
            case "rate":
                return self.rate
            case "optimizer":
                return Step(self.rate, in_place=bool(given.value))
            case "slot":
                return given.value.get(self.thing)
        return copy.deepcopy(given.value)

    def backward(self, dy: list[Array]) -> None:
        """Run backward; its results are then read from the object and the returned value."""
        self.used, self.dy = True, [slope.copy() for slope in dy]
        for place, given in self.plan.preset:
            place.set(self.thing, self.argument(given, dy))
        dy = [slope[None] for slope in dy] if self.plan.as_rows else dy
        self.returned = self._call(self.plan.backward, self.plan.backward_arguments, dy)
        self.returned = _of_one_row(self.returned) if self.plan.as_rows else self.returned
        if self.plan.after is not None:
            self._call(*self.plan.after)

    def gradient(self, name: str) -> Array:
        """The gradient of a parameter."""
        kept = self.plan.grads[name]
        if kept.where == "step":
            after = self.plan.aliases[name][0].get(self.thing)
            found = np.array((self.before[name] - after) / self.rate)
        else:
            found = np.array(self._place(kept, self.returned))
        is_array = isinstance(self.plan.aliases[name][0].get(self.layer.instance), np.ndarray)
        shape = self.before[name].shape
        found = found.T if name in self.plan.transposed else found
        whole = not is_array and found.size == self.before[name].size
        return found.reshape(shape) if whole else in_shape_of(found, self.before[name])

    def dx(self, i: int) -> Array:
        """The gradient of input number i."""
        kept = self.plan.dx[i]
        assert kept is not None
        found = np.array(self._place(kept, self.returned))
        return self.dy[0] * found if self.plan.multiplies else found


def _of_one_row(value: Any) -> Any:
    """Arrays of one row, also in a tuple or list, as vectors."""
    if isinstance(value, tuple | list):
        return type(value)(map(_of_one_row, value))
    return value[0] if isinstance(value, np.ndarray) and value.ndim == 2 and len(value) == 1 else value


def adapt_instance(instance: Any, plan: Plan, randomness: Randomness) -> AdaptedLayer:
    """The protocol over an instance."""
    return AdaptedLayer(instance, plan, randomness)
