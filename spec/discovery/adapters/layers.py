"""Layers written as classes: forward and backward under any name, gradients kept, returned or stepped by.

How a class is called is worked out by trying: constructor settings, input shapes and layouts, and the arguments of
backward are tried in the order of their likelihood, and each attempt is scored by what it computes: an input gradient
of the input's shape, and a gradient of its shape for every array that the output depends on.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.adapted_layer import RATES, AdaptedLayer, Given, Plan, adapt_instance, steps_in, unpacked
from nnlaw.spec.discovery.argument_uses import parsed
from nnlaw.spec.discovery.calls import (
    FLAG_NAMES,
    N_HIDDEN,
    N_IN,
    N_OUT,
    PENALTIES,
    RATE_NAMES,
    TEST_NAMES,
    Made,
    N,
    Randomness,
    guesses,
    indices,
    standard_input,
)
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.gradient_step import Step
from nnlaw.spec.discovery.hidden_parameters import hidden_parameters
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.match_gradients import (
    CONTAINERS,
    Kept,
    in_gradient_container,
    match,
)
from nnlaw.spec.discovery.nothing import BACKWARD_WORD, class_location, is_base_class, is_empty
from nnlaw.spec.discovery.parameters import Aliases, named_places, parameters_of
from nnlaw.spec.discovery.recipes import recipe_of_class
from nnlaw.spec.discovery.remarks import remarks_of_layer
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.second_settings import second_instance, with_other_counts, with_other_stride, with_settings
from nnlaw.spec.discovery.sequences import is_recurrent, length_of
from nnlaw.spec.discovery.slots import UNUSED, Slot, array_slots, attributes_of, leaves, number_leaves
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.discovery.stacks import built
from nnlaw.spec.discovery.trained_numbers import names_in_updates, trained_numbers, under_their_names
from nnlaw.spec.subjects.cases import Case, LayerCase
from nnlaw.spec.subjects.failed_product import text_of
from nnlaw.spec.subjects.gradient_names import is_gradient_of
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.traceback_location import raised_at
from nnlaw.spec.violation import Violation, counted

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "forward_prop", "forwardprop", "forward_propagate", "forwards",
    "_forward", "feedforward", "feed_forward", "fprop", "fp", "propagate", "fwd", "forward_batch", "__call__", "call",
    "feed", "apply", "compute", "activate", "run", "predict", "output",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backward_propagation", "backward_prop", "backprop", "back_prop", "bprop",
    "backpropagate", "back_propagate", "backpropagation", "back_propagation", "back_propogate", "backward_propagate",
    "backwards", "_backward", "_backwards", "bp", "back", "bwd", "backward_batch",
)  # fmt: skip
FORWARD_WORD = re.compile(r"forward|feed|fprop|fwd|_fp\b", re.I)
UPSTREAM = re.compile(
    r"^(upstream\w*|d_?out\w*|dy|d_?z|d_?a|delta\w*|grad_?out\w*|out\w*_?grad\w*|output_?err\w*)$", re.I
)
TARGETS = re.compile(r"^(y|t|targets?|labels?|y_?true|true|truth|y_?train|expected|desired|ys)$", re.I)
INCOMING = re.compile(
    r"^_?(d|g|dy|dout|d_?out(put)?s?|dvalues?|d[za]\d?(_\w+)?|dh|dv|delta\w*|upstream\w*|\w*grad\w*|\w*err\w*|"
    r"d_?l_?d_?\w+|dl\w*|de_?d\w*|dx_?out|eta|loss(?!_?f)\w*|top_?diff|diff|dnext|d_?next|d_?prev|sensitivity|dvals?)$",
    re.I,
)
STORED_X = re.compile(
    r"^_?(x|inp?|inputs?\w*|x_?in|a_?prev|z_?prev|prev\w*|last_?input|h_?prev|data|images?|v)$", re.I
)
STORED_Y = re.compile(r"^_?(y|out|outputs?\w*|a|z|act\w*|h|result|forward_out\w*|last_?output|y_?hat)$", re.I)
OUTPUT_NAMES = (
    "output", "outputs", "out", "y", "a", "A", "activation", "activations", "Y", "result", "value", "h", "z", "Z",
    "output_data", "forward_output",
)  # fmt: skip
DX_NAMES = (
    "dinputs", "dx", "dX", "dinput", "input_gradient", "grad_input", "input_grad", "d_input", "d_x", "grad_x",
    "dA_prev", "grad", "gradient", "delta", "dvalues", "d_inputs", "grad_inputs", "dprev", "dZ", "dL_dX",
)  # fmt: skip


def adapt(scope: Scope) -> Iterator[Found]:
    """The classes of the module that are layers."""
    for name, kind in list(scope.classes.items()):
        try:
            found = layer_in(kind, name, scope)
        except Exception as error:  # raised by the code under test in an unexpected place
            reason = f"{type(error).__name__} while it was called: {error}"
            found = Found("layer", name, "class", class_location(kind), kind, reason=reason)
        if found is not None:
            yield found


def layer_in(kind: type, name: str, scope: Scope) -> Found | None:
    """The class as a layer; None if it lacks a forward or a backward."""
    methods = layer_methods(kind) or _without_input(kind)
    if methods is None or is_base_class(kind):
        return None
    location, style = class_location(kind), f"class with {methods[0]} and {methods[1]}"
    if not required_of(getattr(kind, methods[0]), bound=True):
        reason = f"{methods[0]} takes no input, and {methods[1]} gets a gradient"
        return Found("layer", name, style, location, kind, reason=reason)
    made = list(built(kind, scope))
    if not made:
        reason = f"can't construct {name}{inspect.signature(kind)}; pass an instance: check({_example(kind, name)})"
        return Found("layer", name, style, location, kind, reason=reason)
    best = best_attempt(made, methods, scope)
    if best is None or best.layer is None:
        best = _with_another_forward(made, methods, scope) or best
    if best is None:
        shape = hints().input_shape or ((2, 3, 8, 8) if _is_convolution(made[0].instance) else (5, 4))
        reason = f"found no input that {name}.{methods[0]} takes; pass its shape: check({name}, input_shape={shape})"
        return Found("layer", name, style, location, kind, reason=reason)
    return found_of(best, name, style, kind)


def _with_another_forward(made: list[Made], methods: tuple[str, str], scope: Scope) -> Attempt | None:
    """An attempt with another method whose name is one of a forward, such as one that stores what backward needs."""
    kind = type(made[0].instance)
    for name in forward_methods(kind)[1:]:
        attempt = best_attempt(made, (name, methods[1]), scope) if FORWARD_WORD.search(name) else None
        if attempt is not None and attempt.layer is not None:
            return attempt
    return None


def _without_input(kind: type) -> tuple[str, str] | None:
    """The names of forward and backward, if forward and the constructor take no argument, but backward does."""
    front = next((name for name in FORWARD if FORWARD_WORD.search(name) and is_method(kind, name)), "")
    back = next((name for name in BACKWARD if BACKWARD_WORD.search(name) and is_method(kind, name)), "")
    if not front or not back or required_of(kind) or arguments_of(getattr(kind, front), bound=True):
        return None
    rows = required_of(getattr(kind, back), bound=True)
    return (front, back) if len(rows) == 1 and INCOMING.match(rows[0].name) else None


def _example(kind: type, name: str) -> str:
    """A construction to fill in, such as `Dense(n_in=4, n_out=3)`."""
    rows = [row for row in inspect.signature(kind).parameters.values() if row.default is row.empty]
    named = [row for row in rows if row.kind in (row.POSITIONAL_OR_KEYWORD, row.KEYWORD_ONLY)]
    return Made(None, {row.name: (guesses(row) or [None])[0] for row in named}).call(name)


def _is_convolution(instance: Any) -> bool:
    return any(array.ndim == 4 for _, array in array_slots(instance))


def layer_of(instance: Any, inputs: Sequence[Any], scope: Scope, name: str = "") -> Found:
    """An instance as a layer, called with these inputs. Without a way to call it, the Found has the reason."""
    kind = type(instance)
    name = name or kind.__name__
    methods, location = layer_methods(kind), class_location(kind)
    if methods is None:
        return Found("layer", name, "", location, kind, reason=f"{name} has no forward and backward of a layer")
    if not inputs:
        best = best_attempt([Made(instance)], methods, scope)
        point = None
    else:
        best, point = _attempt_on(instance, methods, inputs, scope)
    style = f"instance with {methods[0]} and {methods[1]}"
    if best is None:
        needed = [row.name for row in required_of(getattr(kind, methods[0]), bound=True) if not mode_value(row)]
        shapes = ", ".join(str(np.shape(x)) for x in inputs)
        what = f"{counted(len(inputs), 'array')} of shape {shapes}" if inputs else "any input that was tried"
        one = f"pass one array per argument: check({name.lower()}, {', '.join(needed)})"
        reason = f"{name}.{methods[0]}({', '.join(needed)}) can't be called with {what}; {one}"
        return Found("layer", name, style, location, kind, reason=reason)
    found = found_of(best, name, style, kind)
    if point is None or best.layer is None:
        return found
    layer = best.layer

    def cases(seed: int) -> list[Case]:
        return [LayerCase(name, subject_of(copy.deepcopy(layer)), point, seed=seed, name=name, registered=False)]

    return replace(found, readings=tuple(replace(reading, cases=cases) for reading in found.readings))


def _attempt_on(
    instance: Any, methods: tuple[str, str], inputs: Sequence[Any], scope: Scope
) -> tuple[Attempt | None, Array]:
    """The best way to call an instance with given inputs, and these as one array with samples as rows."""
    arrays = [np.atleast_1d(np.asarray(value)) for value in inputs]
    together = len(arrays) == 1 or len({len(array) for array in arrays}) == 1
    layout = LAYOUTS["as given" if together else "one"]
    shapes = tuple(array.shape[1:] if together else array.shape for array in arrays)
    rows = len(arrays[0]) if together else 1
    point = arrays[0] if len(arrays) == 1 else np.concatenate([array.reshape(rows, -1) for array in arrays], axis=1)
    point = np.array(point, np.float64, order="C")
    integers = [0]
    if all(array.dtype.kind in "iu" for array in arrays):  # floats first: a truth table is one of integers, too
        integers.append(int(point.max()) + 1)
    randomness = Randomness.of(scope.module)
    best: Attempt | None = None
    for size in integers:
        for attempt in attempts(Made(instance), methods, randomness, [(layout, shapes, size)], point):
            if best is None or attempt.score > best.score:
                best = attempt
            if attempt.perfect:
                return attempt, point
    return best, point


def layer_methods(kind: type) -> tuple[str, str] | None:
    """The names of forward and backward of a class; None if one is missing, or if backward takes targets."""
    others = _other_names(kind)
    forward = forward_methods(kind)
    backward_names = [*BACKWARD, *(name for name in others if BACKWARD_WORD.search(name))]
    backward = [name for name in backward_names if is_method(kind, name)] or [
        name for name in others if is_method(kind, name) and name not in forward[:1]
        and any(UPSTREAM.match(row.name) for row in required_of(getattr(kind, name), bound=True)[:1])
    ]  # fmt: skip
    if not forward or not backward:
        return None
    rows = arguments_of(getattr(kind, backward[0]), bound=True)
    names = [row.name for row in rows]
    targets = [name for name in names if TARGETS.match(name)]
    inputs = [row.name for row in required_of(getattr(kind, forward[0]), bound=True)]
    if any(TARGETS.match(name) for name in inputs[1:]):
        return None  # a loss, or a network that computes its loss
    if targets and not any(INCOMING.match(name) for name in names if name not in targets):
        return None  # a network
    return forward[0], backward[0]


def _other_names(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("__") and name not in (*FORWARD, *BACKWARD)]


def forward_methods(kind: type) -> list[str]:
    """The methods with an input that may be a forward, by their names, the most likely first."""
    names = [*FORWARD, *(name for name in _other_names(kind) if FORWARD_WORD.search(name))]
    return [name for name in names if is_method(kind, name) and required_of(getattr(kind, name), bound=True)]


def is_method(kind: type, name: str) -> bool:
    """Whether a class defines a method that does something."""
    method = inspect.getattr_static(kind, name, None)
    return inspect.isfunction(method) and not is_empty(method)


@dataclass
class Attempt:
    """One way to call an instance, and the result. A higher score is better; 0 means that forward fails."""

    made: Made
    plan: Plan
    x: Array
    score: tuple[float, ...] = (0.0,)
    missing: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None
    notes: list[str] = field(default_factory=list)
    layer: AdaptedLayer | None = None
    numbers: dict[Slot, Kept] = field(default_factory=dict)
    """The places of the gradients of parameters that are numbers, or lists of these."""
    unknown: dict[str, str] = field(default_factory=dict)
    """Numbers that are changed in training, but whose gradient was not found."""
    searched: bool = False
    """Whether parameters among the numbers were looked for."""
    always_raises: bool = False
    """Whether backward raised a ValueError, such as one of shapes that do not fit, in each way that was tried."""
    swapped: tuple[int, ...] = ()
    """The shape of dx, if it has the sizes of x on other axes."""

    @property
    def perfect(self) -> bool:
        """Whether forward and backward ran and every gradient has the shape of its array."""
        return self.score[0] >= 3 and not self.missing


def best_attempt(made: list[Made], methods: tuple[str, str], scope: Scope) -> Attempt | None:
    """The best way to call one of the instances; the first perfect one is taken."""
    best: Attempt | None = None
    before: list[Attempt] = []
    randomness = Randomness.of(scope.module)
    for one in made:
        for attempt in attempts(one, methods, randomness):
            if best is None or attempt.score > best.score:
                best = attempt
            if attempt.perfect:
                failed = _failed_at_other_sizes(attempt, before)
                larger = _with_larger_sides(attempt, methods, randomness)
                return larger if failed is None else replace(larger, missing=_failure_of(failed))
            before.append(attempt)
    if best is not None and best.layer is None:
        best.always_raises = all(has_wrong_shapes(attempt.error) for attempt in before if attempt.error is not None)
    return best if best is not None and best.score[0] >= 1 else None


def has_wrong_shapes(error: Exception | None) -> bool:
    """Whether an error is one of shapes that do not fit, or of an index that is too large."""
    return isinstance(error, ValueError) or is_out_of_bounds(error)


def _failed_at_other_sizes(found: Attempt, before: list[Attempt]) -> Attempt | None:
    """The first attempt with an input of the same layout and number of axes, for which forward runs, and
    backward raises or swaps axes with all arguments: the sizes of `found` may hide a mistake, as those of a square do.

    With another layout or number of axes, the input may be one that the author does not mean.
    """
    axes = [len(shape) for shape in found.plan.inputs]
    groups: dict[tuple[tuple[int, ...], ...], list[Attempt]] = {}
    for attempt in before:
        if attempt.plan.layout is found.plan.layout and [len(shape) for shape in attempt.plan.inputs] == axes:
            groups.setdefault(attempt.plan.inputs, []).append(attempt)
    return next((rows[0] for rows in groups.values() if all(_fails_by_shapes(row) for row in rows)), None)


def _fails_by_shapes(attempt: Attempt) -> bool:
    return bool(attempt.swapped) or (attempt.layer is None and has_wrong_shapes(attempt.error))


def _failure_of(attempt: Attempt) -> dict[str, str]:
    """What can't be compared, with the failure of backward."""
    text = f"{attempt.plan.backward} returned dx of shape {attempt.swapped}"
    if attempt.error is not None:
        place = raised_at(attempt.error)
        at = f" at line {place.line}" if place.line else ""
        text = f"{attempt.plan.backward} raised {type(attempt.error).__name__}{at}: {text_of(attempt.error)}"
    return {f"x {', '.join(str((len(attempt.x), *shape)) for shape in attempt.plan.inputs)}": text}


def is_out_of_bounds(error: Exception | None) -> bool:
    """Whether an index was too large for its axis."""
    return isinstance(error, IndexError) and "out of bounds for axis" in str(error)


def _with_larger_sides(attempt: Attempt, methods: tuple[str, str], randomness: Randomness) -> Attempt:
    """The attempt with a larger input, if its input or output has an axis of one entry: sizes of 1 prove nothing."""
    plan, layer = attempt.plan, attempt.layer
    assert layer is not None
    weights = [array for _, array in array_slots(attempt.made.instance)]
    if len(plan.inputs) > 1 or len(plan.inputs[0]) < 2 or (weights and max(array.ndim for array in weights) < 3):
        return attempt
    shape = plan.inputs[0]
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        if 1 not in (*shape, *layer.forward(attempt.x).shape[1:]):
            return attempt
    grown = [size + LARGER for size in shape]
    for larger in ((shape[0], *grown[1:]), (*grown[:-1], shape[-1]), tuple(grown)):
        one = replace(attempt.made, instance=layer.instance)
        for found in attempts(one, methods, randomness, [(plan.layout, (larger,), plan.integers)]):
            if found.perfect:
                return found
    return attempt


LARGER = 3


def attempts(
    made: Made,
    methods: tuple[str, str],
    randomness: Randomness,
    shapes_to_try: list[tuple[Layout, tuple[tuple[int, ...], ...], int]] | None = None,
    point: Array | None = None,
) -> Iterator[Attempt]:
    """Ways to call one instance, the most likely first; those whose forward fails are left out.

    With `point`, that is the input.
    """
    kind = type(made.instance)
    forward, backward = methods
    rows = required_of(getattr(kind, forward), bound=True)
    flags = [row for row in arguments_of(getattr(kind, forward), bound=True) if row not in rows]
    training = tuple(Given("mode", value, row.name) for row in flags for value in mode_value(row))
    needed = [row for row in rows if not mode_value(row)]
    unprepared = made
    given_shapes = [(layout, shapes, 0) for layout, shapes, _ in hints().inputs()]
    for layout, shapes, integers in shapes_to_try or given_shapes or input_shapes(made, len(needed)):
        if not hints().allows(layout) and not shapes_to_try:
            continue
        if point is None and len(shapes) == 1:
            made = prepared(unprepared, shapes[0])
        numbers = itertools.count()
        given = tuple(
            Given("mode", mode_value(row)[0]) if mode_value(row) else Given("x", next(numbers)) for row in rows
        )
        for extra in (training, ()) if training else ((),):
            plan = Plan(
                forward, given + extra, backward, (), layout, shapes, Kept("returned"), integers=integers,
                mode=mode_attribute(made.instance),
            )  # fmt: skip
            found = list(try_plan(made, plan, randomness, point))
            yield from found
            if found and not any(attempt.perfect for attempt in found) and point is None and len(shapes) == 1:
                other = prepared(unprepared, shapes[0], optimizer=True)
                others = try_plan(other, plan, randomness) if other is not unprepared else iter(())
                yield from (attempt for attempt in others if attempt.perfect)
            if found:
                break


SETUP = ("set_input_shape", "set_input_size", "set_input_dim", "build", "initialize", "init_weights", "setup",
         "initialize_weights", "initialize_parameters", "init_params", "init_parameters", "prepare_layer",
         "_initialize", "_build", "_init_weights")  # fmt: skip
INPUT_SHAPE = re.compile(
    r"^_?(shape|batch_?size|n_in|fan_in|(n_|num_)?(in|input|prev|previous)_?(shape|size|dim|dims|features|units|n))s?$",
    re.I,
)


OPTIMIZER = re.compile(r"^_*(optimi[sz]er|opt)(_?instance)?_*$", re.I)


STEPS = re.compile(r"update|step|apply|train|fit|learn|optimi[sz]e$|descent", re.I)


def prepared(made: Made, shape: tuple[int, ...], *, optimizer: bool = False) -> Made:
    """The instance after the methods that set it up for an input of this shape, if it has any; else itself.

    With `optimizer` it also gets one that takes plain gradient steps.
    """
    kind = type(made.instance)
    methods = [name for name in SETUP if is_method(kind, name)]
    if not methods and not array_slots(made.instance):
        methods = [name for name in _other_names(kind) if is_method(kind, name)
                   and (rows := required_of(getattr(kind, name), bound=True)) and "predict" not in name
                   and all(INPUT_SHAPE.match(row.name) for row in rows)]  # fmt: skip
    methods += [name for name in _other_names(kind) if optimizer and name not in methods and is_method(kind, name)
                and not STEPS.search(name) and (rows := required_of(getattr(kind, name), bound=True))
                and all(OPTIMIZER.match(row.name) for row in rows)]  # fmt: skip
    unset = [name for name, value in attributes_of(made.instance).items()
             if value is None and (INPUT_SHAPE.match(name) or (optimizer and OPTIMIZER.match(name)))]  # fmt: skip
    if not methods and not unset:
        return made
    thing, called = copy.deepcopy(made.instance), bool(unset)
    with np.errstate(all="ignore"):
        for name in unset:
            setattr(thing, name, _setup_value(name, shape))
        for name in methods:
            rows = required_of(getattr(kind, name), bound=True)
            optional = [row for row in arguments_of(getattr(kind, name), bound=True) if row not in rows]
            named = {row.name: Step(RATES[0], in_place=False) for row in optional if "optim" in row.name.lower()}
            with contextlib.suppress(Exception):
                _set_up(thing, name, [row.name for row in rows], shape, named)
                called = True
    return replace(made, instance=thing) if called else made


def _set_up(thing: Any, method: str, names: list[str], shape: tuple[int, ...], named: dict[str, Any]) -> None:
    """Call a method that sets an instance up; if it fails for the shape of a sample, with that of a batch."""
    before = copy.deepcopy(attributes_of(thing))
    try:
        getattr(thing, method)(*(_setup_value(name, shape) for name in names), **named)
    except Exception:
        vars(thing).update(before)
        getattr(thing, method)(*(_setup_value(name, shape, batch=True) for name in names), **named)


def _setup_value(name: str, shape: tuple[int, ...], *, batch: bool = False) -> Any:
    """An argument of a method that sets an instance up: a shape, with `batch` that of a batch, a size, an optimizer or
    a generator.
    """
    low = name.lower()
    if "batch" in low and "shape" not in low:
        return N
    if batch:
        return (count_of(shape), *shape)
    if "optim" in low or low == "opt":
        return Step(RATES[0])
    if low in ("rng", "generator", "random_state"):
        return np.random.default_rng(0)
    return shape if "shape" in low else shape[-1]


def mode_attribute(instance: Any) -> str:
    """The attribute that is true while an instance is in training; "" if there is none."""
    names = [name for name, value in attributes_of(instance).items() if isinstance(value, bool)]
    return next((name for name in names if FLAG_NAMES.match(name)), "")


def mode_value(row: inspect.Parameter) -> list[Any]:
    """The value that means training, if an argument chooses the mode; else an empty list."""
    if FLAG_NAMES.match(row.name):
        return [True]
    if TEST_NAMES.match(row.name):
        return [False]
    if row.name == "mode":
        return ["train"]
    return []


def input_shapes(made: Made, count: int) -> Iterator[tuple[Layout, tuple[tuple[int, ...], ...], int]]:
    """Layouts and shapes of one sample to try, one shape per input; then inputs of integers."""
    rows, columns, one_row = LAYOUTS["rows"], LAYOUTS["columns"], LAYOUTS["one row"]
    one_column, one, time = LAYOUTS["one column"], LAYOUTS["one"], LAYOUTS["time first"]
    sizes = likely_sizes(made)
    flat = [(size,) for size in sizes]
    channels = [size for size in sizes if size <= 4] or [2]
    images = [shape for c in channels for shape in ((c, 4, 6), (4, 6, c))] + [(4, 6, size) for size in sizes[:3]]
    planes = [(4, 6)]
    recurrent = is_recurrent(type(made.instance))
    if recurrent:  # other shapes may run by chance
        images, planes = [], []
    sequences = [(5, size) for size in sizes]  # short enough for backpropagation through time that is truncated
    declared = shape_settings(made)
    if count == 0:
        return
    if recurrent:
        steps = length_of(made.instance, made.settings)
        states = list(dict.fromkeys([N_HIDDEN, *sizes[:4]])) if count > 1 else [0]
        for layout in (rows, time, LAYOUTS["time first, columns"], one_column, one):
            for size, state in itertools.product(sizes[:4], states):
                yield layout, ((steps, size), *[(state,)] * (count - 1)), 0
    if count > 1:
        choices: list[tuple[int, ...]] = list(dict.fromkeys([*flat, (N_HIDDEN,), (N_IN,), (N_OUT,)]))
        shapes: tuple[tuple[int, ...], ...]
        for layout in (rows, columns, one_column, one):
            for shapes in itertools.islice(itertools.product(choices, repeat=count), 64):
                yield layout, shapes, 0
        for shapes in itertools.islice(itertools.product(sequences, repeat=count), 16):
            yield rows, shapes, 0
        return
    for shape in declared:
        yield rows, (shape,), 0
    if _is_convolution(made.instance):
        for shape in images:
            yield rows, (shape,), 0
    for layout in (rows, columns, one_row, one_column, one):
        for shape in flat:
            yield layout, (shape,), 0
    for shape in dict.fromkeys([*((size, 1) for size in sizes[:3]), *images, *sequences, *planes]):
        yield rows, (shape,), 0
    for shape in sequences:
        yield rows, (shape[::-1],), 0
    for shape in sequences:
        yield time, (shape,), 0
    for shape in sequences:
        yield LAYOUTS["time first, columns"], (shape,), 0
    for shape in dict.fromkeys([*declared, *planes, *images, *sequences]):
        yield one, (shape,), 0
    for shape in ((), (7,)):
        for layout in (rows, one):
            for size in dict.fromkeys([*sizes, 7]):
                yield layout, (shape,), size


def likely_sizes(made: Made) -> list[int]:
    """Sizes that an input may have: those of weights, of settings and of integer attributes, then common ones."""
    weights = [array for _, array in array_slots(made.instance) if array.dtype.kind in "fi" and array.ndim]
    sizes: list[int] = []
    for name, value in made.settings.items():
        if type(value) is int and re.search(r"in|prev|dim|size|feature|channel", name):
            sizes.append(value)
    if not weights:  # made by the first call, or there are none: an input of the size of the output would hide mistakes
        sizes += [N_IN, N_HIDDEN]
    for array in weights[:6]:
        sizes += [array.shape[0], array.shape[-1], *array.shape[1:-1]] if array.ndim > 1 else []
    for array in weights[:6]:
        sizes += [array.shape[0]] if array.ndim == 1 else []
    sizes += [v for v in made.settings.values() if isinstance(v, int) and not isinstance(v, bool)]
    for value in attributes_of(made.instance).values():
        if isinstance(value, int) and not isinstance(value, bool):
            sizes.append(value)
    return [size for size in dict.fromkeys([*sizes, N_IN, N_HIDDEN]) if 1 < size <= 64][:8] or [N_IN]


def shape_settings(made: Made) -> list[tuple[int, ...]]:
    """Shapes among the settings and attributes that are called input_shape or alike."""
    found = []
    for name, value in {**attributes_of(made.instance), **made.settings}.items():
        is_shape = isinstance(value, tuple | list) and all(isinstance(v, int) or v is None for v in value)
        if "shape" in name.lower() and is_shape:
            shape = tuple(v for v in value if v is not None)
            found += [shape, shape[1:]] if len(shape) > 1 else [shape]
    return [shape for shape in dict.fromkeys(found) if shape]


def try_plan(
    made: Made, plan: Plan, randomness: Randomness, point: Array | None = None
) -> Iterator[Attempt]:
    """Complete a plan whose forward runs, by trying the arguments of backward; nothing if forward fails."""
    sizes = sum(int(np.prod(shape)) for shape in plan.inputs)
    shape = plan.inputs[0] if len(plan.inputs) == 1 else (sizes,)
    count = 3 if plan.layout.single else count_of(shape)
    count = next((n for layout, shapes, n in hints().inputs() if (layout, shapes) == (plan.layout, plan.inputs)), count)
    x = standard_input((count, *shape), 0)
    if plan.integers:
        x = indices((count, *shape), plan.integers, 0)
    x = x if point is None else point
    try:
        with np.errstate(all="ignore"):
            probe = _forward_probe(made, plan, x, randomness)
    except Exception:
        return
    if probe is None:
        return
    plan, template = probe
    made = replace(made, instance=template)
    for backward, preset in backward_arguments(made, plan):
        incoming = sum(given.what == "dy" for given in backward)
        chosen = replace(
            plan, backward_arguments=backward, preset=preset, more=plan.more[: max(0, incoming - 1)],
            multiplies=not backward and not preset,
        )  # fmt: skip
        attempt = Attempt(made, chosen, x, (1.0,))
        try:
            with np.errstate(all="ignore"):
                complete(attempt, randomness)
        except Exception as error:
            attempt.error = error
        if attempt.layer is not None and NO_GRADIENT in attempt.missing.values():
            attempt = _with_step_after(attempt, Attempt(made, chosen, x, (1.0,)), randomness)
        yield attempt
        if attempt.perfect:
            return


def _with_step_after(attempt: Attempt, fresh: Attempt, randomness: Randomness) -> Attempt:
    """The attempt, or that with a method such as update(lr) after backward, if it moves what has no gradient yet."""
    kind = type(fresh.made.instance)
    for name in _other_names(kind):
        if not STEP_AFTER.match(name) or not is_method(kind, name):
            continue
        given = tuple(_given_after(row) for row in required_of(getattr(kind, name), bound=True))
        if None in given:
            continue
        after = name, tuple(one for one in given if one is not None)
        other = replace(fresh, plan=replace(fresh.plan, after=after), missing={}, notes=[], numbers={}, unknown={})
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            complete(other, randomness)
            if other.layer is not None and len(other.missing) < len(attempt.missing):
                return other
    return attempt


STEP_AFTER = re.compile(
    r"^_?(update|step|apply|descend|learn|adjust|optimi[sz]e)(_?(weights?|params?|parameters|grads?|gradients?|step))?$",
    re.I,
)


def _given_after(row: inspect.Parameter) -> Given | None:
    """The argument of a method that takes the step; None if it is unknown."""
    if is_rate(row.name):
        return Given("rate")
    if OPTIMIZER.match(row.name):
        return Given("optimizer")
    if PENALTIES.search(row.name) or MOMENTUM.match(row.name):
        return Given("value", 0.0)
    return Given("value", 1) if re.match(r"^(batch_?size|normali[sz]ation|m|n)$", row.name) else None


def count_of(shape: tuple[int, ...]) -> int:
    """The samples of a batch, by the shape of one: images are large."""
    return 3 if len(shape) > 2 else 2 if len(shape) == 2 else N


def _forward_probe(made: Made, plan: Plan, x: Array, randomness: Randomness) -> tuple[Plan, Any] | None:
    """The plan with the place of the output and the parameters, and the instance with arrays made by its first call.

    None if there is no output.
    """
    if plan.mode:
        made = replace(made, instance=copy.deepcopy(made.instance))
        setattr(made.instance, plan.mode, True)
    layer = adapt_instance(made.instance, plan, randomness)
    inputs = layer._split(x)[0]
    thing = copy.deepcopy(made.instance)
    before = dict(array_slots(thing))
    before = {slot: array.copy() for slot, array in before.items()}
    randomness.reset()
    value = _call_forward(thing, plan, inputs)
    output = _output_place(thing, value, before, inputs)
    if output is None:
        return None
    more = tuple(_further_outputs(value)) if output == FIRST else ()
    plan = replace(plan, output=output, more=more, items=_items(made.instance, plan.forward, value))
    y = np.array(output.slot.get(value if output.where == "returned" else thing))
    if y.dtype.kind not in "f" or not y.size or not keeps_samples(y, len(x), plan.layout):
        return None
    if plan.layout.name == "rows" and len(plan.inputs[0]) == 2 and is_recurrent(type(made.instance)):
        other = copy.deepcopy(made.instance)  # the first axis may be time: then a sample changes the next ones
        moved = [inputs[0] + np.where(np.arange(len(x)) == 0, 0.5, 0.0)[:, None, None], *inputs[1:]]
        randomness.reset()
        returned = _call_forward(other, plan, moved)
        if not np.array_equal(np.array(output.slot.get(returned if output.where == "returned" else other))[1:], y[1:]):
            return None
    instance = made.instance
    aliases, unused = _parameters(instance, plan, inputs, randomness)
    lazy, _ = _parameters(thing, plan, inputs, randomness)
    if len(lazy) > len(aliases):  # made by the first call
        instance, aliases = thing, lazy
    instance = copy.deepcopy(instance)
    for name, value in attributes_of(instance).items():
        if PENALTIES.search(name) and isinstance(value, float | int) and not isinstance(value, bool):
            setattr(instance, name, 0.0)
    for places in aliases.values():
        array = np.array(places[0].get(instance), np.float64)
        rng = np.random.default_rng(len(places[0].name))
        array = array + 0.1 * rng.standard_normal(array.shape)  # zeros and ones hide mistakes
        for place in places:
            place.set(instance, array)
    return replace(plan, aliases=aliases, unused=unused), instance


def keeps_samples(y: Array, count: int, layout: Layout) -> bool:
    """Whether an output can be that of a batch: it has the number of samples, or one axis at least if there is one."""
    if layout.single or layout.name == "as given":
        return y.ndim > 0 or layout.name == "as given"
    axis = {"rows": 0, "columns": -1, "time first": 1, "time first, columns": -1}[layout.name]
    if y.ndim < 1 + (axis == 1) or y.shape[axis] != count:
        return False
    return not is_normalized_otherwise(y, layout)


def is_normalized_otherwise(y: Array, layout: Layout) -> bool:
    """Whether an output has probabilities that sum to 1 along another axis than that of one sample."""
    if layout.name not in ("rows", "columns") or y.ndim != 2 or (y < 0).any():
        return False
    axis = -1 if layout.name == "rows" else 0
    sums = [np.allclose(y.sum(axis=axis), 1), np.allclose(y.sum(axis=-1 - axis), 1), np.allclose(y.sum(), 1)]
    return not sums[0] and any(sums)


def _call_forward(thing: Any, plan: Plan, inputs: list[Array]) -> Any:
    arguments = [inputs[row.value or 0].copy() if row.what == "x" else row.value
                 for row in plan.forward_arguments if not row.keyword]  # fmt: skip
    named = {row.keyword: row.value for row in plan.forward_arguments if row.keyword}
    return getattr(thing, plan.forward)(*arguments, **named)


def _output_place(thing: Any, value: Any, before: dict[Slot, Array], inputs: list[Array]) -> Kept | None:
    """Where the output is: returned, first of a returned tuple, or kept as an attribute."""
    if isinstance(value, np.ndarray):
        return Kept("returned")
    if isinstance(value, list) and len({np.shape(each) for each in value}) == 1 and len(value) > 1:
        return Kept("returned")  # one array per time step
    if isinstance(value, tuple | list) and len(value) and isinstance(value[0], np.ndarray):
        return FIRST
    if isinstance(value, np.number | float):
        return Kept("returned")
    if value is not None and value is not thing:
        return None
    new = [
        (slot, array)
        for slot, array in array_slots(thing)
        if array.dtype.kind == "f" and (slot not in before or not np.array_equal(before[slot], array))
    ]
    named = [slot for name in OUTPUT_NAMES for slot, _ in new if slot.key == name]
    others = [slot for slot, array in new if not any(np.array_equal(array, x) for x in inputs)]
    found = named or others[-1:]
    return Kept("object", found[0]) if found else None


FIRST = Kept("returned", Slot((("[", 0),)))


def _items(instance: Any, method: str, value: Any) -> tuple[str, ...]:
    """The names of the parts of a returned tuple, as the source returns them; "" for a part without one."""
    if not isinstance(value, tuple):
        return ()
    tree = parsed(getattr(type(instance), method))
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(value):
            return tuple(getattr(part, "id", getattr(part, "attr", "")) for part in node.value.elts)
    return ("",) * len(value)


def _further_outputs(value: Any) -> Iterator[Kept]:
    """The other arrays of floats in a returned tuple, which may have incoming gradients as well."""
    for i, each in enumerate(value[1:], 1):
        if not isinstance(each, np.ndarray) or each.dtype.kind != "f":
            return
        yield Kept("returned", Slot((("[", i),)))


def _parameters(
    instance: Any, plan: Plan, inputs: list[Array], randomness: Randomness
) -> tuple[Aliases, tuple[str, ...]]:
    """The parameters of a layer, and the names of arrays that look like them; what forward changes is neither."""

    def depends(slots: tuple[Slot, ...]) -> bool | None:
        with contextlib.suppress(Exception):
            return _depends_on(instance, plan, inputs, slots, randomness)
        return None

    return parameters_of(instance, depends)


LARGE_OUTPUT = 1e5


def _depends_on(
    instance: Any, plan: Plan, inputs: list[Array], slots: tuple[Slot, ...], randomness: Randomness
) -> bool | None:
    """Whether the output changes with an array; None if forward changes the array itself."""
    outputs: list[Array] = []
    for shift in (0.0, 0.1, 1e3):
        if len(outputs) == 2 and (not outputs[0].size or np.abs(outputs[0]).max() < LARGE_OUTPUT):
            break  # only beside a large output a small change may be lost
        thing = copy.deepcopy(instance)
        old = np.asarray(slots[0].get(thing))
        array = np.array(old, np.float64 if old.dtype.kind == "i" else old.dtype)
        array = array + shift * (1 + np.random.default_rng(3).standard_normal(array.shape)).astype(array.dtype)
        for slot in slots:
            slot.set(thing, array)
        kept = array.copy()
        randomness.reset()
        value = _call_forward(thing, plan, inputs)
        if not np.array_equal(np.asarray(slots[0].get(thing)), kept):
            return None  # a cache or a state
        outputs.append(np.array(plan.output.slot.get(value if plan.output.where == "returned" else thing)))
    return any(outputs[0].shape == y.shape and not np.array_equal(outputs[0], y) for y in outputs[1:])


def _output(instance: Any, plan: Plan, inputs: list[Array]) -> Array:
    thing = copy.deepcopy(instance)
    value = _call_forward(thing, plan, inputs)
    return np.array(plan.output.slot.get(value if plan.output.where == "returned" else thing))


def backward_arguments(made: Made, plan: Plan) -> Iterator[tuple[tuple[Given, ...], tuple[tuple[Slot, Given], ...]]]:
    """Arguments for backward to try, the most likely first, with attributes to set before it."""
    kind = type(made.instance)
    method = getattr(kind, plan.backward)
    rows = required_of(method, bound=True)
    flags = tuple(
        Given("value", value, row.name)
        for row in arguments_of(method, bound=True)
        if row not in rows
        for value in mode_value(row)
    )
    optional_rate = tuple(
        Given("rate", None, row.name)
        for row in arguments_of(method, bound=True)
        if row not in rows and (is_rate(row.name))
    )
    if not rows:
        optional = [row for row in arguments_of(method, bound=True) if row.default is None]
        if optional:
            yield (Given("dy", None, optional[0].name),), ()
        for slot in incoming_attributes(made, plan):
            yield (), ((slot, Given("dy")),)
        yield (), ()
        return
    is_stored = any(STORED_X.match(row.name) or re.match("fwd|forward|cache|ctx|saved", row.name) for row in rows)
    if 1 < len(rows) == 1 + len(plan.more) and not is_stored:  # a gradient for each output
        yield tuple(Given("dy", i) for i in range(len(rows))), ()
    choices = [choices_for(row.name, row, made, i, len(rows), plan.items) for i, row in enumerate(rows)]
    incoming = [i for i, row in enumerate(rows) if INCOMING.match(row.name)]
    others = [row for i, row in enumerate(rows) if i not in incoming]
    if len(incoming) == 1 and any(STORED_X.match(row.name) or STORED_Y.match(row.name) for row in others):
        choices[incoming[0]] = [Given("dy")]  # arrays of equal sizes would fit in any order
    tried = 0
    for given in itertools.product(*choices):
        if sum(one.what == "dy" for one in given) != 1:
            continue
        for extra in dict.fromkeys(((*flags, *optional_rate), optional_rate, flags)):
            yield (*given, *extra), ()
        tried += 1
        if tried >= 24:
            return


def is_rate(name: str) -> bool:
    """Whether an argument is a learning rate, by its name."""
    if name == hints().learning_rate:
        return True
    return (bool(RATE_NAMES.match(name)) and name.lower() != "alpha") or name.lower() in ("alpha", "lr")


def choices_for(
    name: str, row: inspect.Parameter, made: Made, i: int, count: int, items: tuple[str, ...] = ()
) -> list[Given]:
    """What an argument of backward may be, by its name and position; `items` are the parts that forward returns."""
    if mode_value(row):
        return [Given("value", mode_value(row)[0])]
    low = name.lower()
    if "optim" in low or low == "opt":
        return [Given("optimizer"), Given("optimizer", True)]
    if is_rate(name) and i > 0:
        return [Given("rate")]
    if low in ("momentum", "mu", "decay", "weight_decay", "clip") or PENALTIES.search(low):
        return [Given("value", 0.0)]
    if low in ("batch_size", "m", "n", "size"):
        return [Given("value", N)]
    slots = [slot for slot, _ in array_slots(made.instance) if slot.key == name and not in_gradient_container(slot)]
    stored = [Given("slot", slot) for slot in slots[:1]]
    if stored:
        return stored
    if name in items and count > 1:
        return [Given("item", items.index(name))]
    if count > 2 and CONTAINERS.match(name) and low not in ("d", "g", "grad", "gradient", "delta"):
        return [Given("gradients"), Given("dy")]
    if UPSTREAM.match(name):
        return [Given("dy")]
    if INCOMING.match(name):
        return [Given("dy"), Given("x", 0), Given("y")] if count > 1 else [Given("dy")]
    if STORED_X.match(name) or low in ("z", "h"):
        return [Given("x", 0), Given("dy"), Given("y")] if count > 1 else [Given("dy")]
    if STORED_Y.match(name):
        return [Given("y"), Given("dy"), Given("x", 0)] if count > 1 else [Given("dy")]
    if low in ("cache", "caches", "memory", "ctx", "context", "saved"):
        return [Given("cache"), Given("returned")]
    parts = [Given("cache"), *(Given("item", j) for j in range(1, len(items)))] if items and count > 1 else []
    if re.search("cache|state|fwd|forward|saved|store", low):
        return [*parts, Given("dy"), Given("x", 0), Given("y"), Given("returned")]
    return [Given("dy"), Given("x", 0), Given("y"), Given("rate"), Given("optimizer"), Given("returned"), *parts]


def incoming_attributes(made: Made, plan: Plan) -> list[Slot]:
    """Attributes that backward reads and that neither the constructor fills nor forward sets: the incoming gradient."""
    kind = type(made.instance)
    try:
        tree = ast.parse(textwrap.dedent(source_text(getattr(kind, plan.backward))))
    except (OSError, TypeError, SyntaxError):
        return []
    read: list[str] = []
    front = parsed(getattr(kind, plan.forward))
    kept = {name for node in ast.walk(front) for name in _kept_by(node)} if front is not None else set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)) or node.attr in kept:
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr not in read:
            read.append(node.attr)
    own = attributes_of(made.instance)
    empty = [name for name in read if own.get(name) is None and not hasattr(kind, name)]
    named = [name for name in read if INCOMING.match(name) and not hasattr(kind, name)]
    gradient = [name for name in named if not callable(own.get(name))]
    return [Slot(((".", name),)) for name in dict.fromkeys([*(n for n in empty if n in gradient), *gradient, *empty])]


def _kept_by(node: ast.AST) -> list[str]:
    """The name of the attribute of self that a node of a syntax tree sets."""
    is_set = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    return [node.attr] if isinstance(node, ast.Attribute) and is_set and ast.unparse(node.value) == "self" else []


NO_GRADIENT = "no gradient was found"


def complete(attempt: Attempt, randomness: Randomness) -> None:
    """Run forward and backward, find where the gradients are kept, and score the attempt."""
    plan, instance = attempt.plan, attempt.made.instance
    layer = adapt_instance(instance, plan, randomness)
    y = layer.forward(attempt.x)
    run = layer.runs[0]
    thing = run.thing
    before = {slot: array.copy() for slot, array in array_slots(thing)}
    numbers = dict(number_leaves(thing))
    dy = np.random.default_rng(11).standard_normal(y.shape)
    run.backward([plan.layout.split(part)[0].copy() for part in unpacked(dy, layer.shapes)])
    kept = [
        (slot, array)
        for slot, array in array_slots(thing)
        if array.dtype.kind == "f" and (slot not in before or not _same(before[slot], array))
    ]
    new_numbers = [
        row for row in number_leaves(thing) if row[0] not in numbers or not _same(numbers[row[0]], row[1])
    ]
    returned = (leaves(run.returned) or number_leaves(run.returned)) if run.returned is not None else []
    if not attempt.searched:
        attempt.searched = True
        if _with_numbers(attempt, numbers, run, [*kept, *new_numbers], randomness):
            complete(attempt, randomness)
            return
    keys = {slots[0].key for slots in plan.aliases.values()}
    kept += [row for row in new_numbers if any(is_gradient_of(row[0].key, key) for key in keys)]
    places = {name: (slots[0], layer.params[name]) for name, slots in plan.aliases.items()}
    own = {slot for slots in plan.aliases.values() for slot in slots}
    stepped = [name for name, slots in plan.aliases.items() if not _same(slots[0].get(thing), run.before[name])]
    of_parameters = _are_of_parameters(returned, layer, run.inputs)
    dx = (None,) * len(run.inputs) if of_parameters else tuple(_dx_places(plan, run.inputs, returned, kept, own))
    if len(dx) == len(returned) == 1 and dx[0] is not None and dx[0].where == "returned":
        shape = returned[0][1].shape
        if shape != run.inputs[0].shape and shape in {array.shape for array in layer.params.values()}:
            dx = (None,)
            attempt.missing["x"] = "backward returned an array of the shape of a parameter, not of x"
    used = {(place.where, place.slot) for place in dx if place is not None}
    grads = {name: attempt.numbers[slots[0]] for name, slots in plan.aliases.items() if slots[0] in attempt.numbers}
    used |= {(place.where, place.slot) for place in grads.values()}
    grads |= match(
        {name: place for name, place in places.items() if name not in grads},
        [row for row in kept if row[0] not in own and ("object", row[0]) not in used],
        [row for row in returned if ("returned", row[0]) not in used],
    )
    matched = {(place.where, place.slot) for place in grads.values()} | used
    attempt.unknown |= hidden_parameters(
        instance,
        layer.source_of("forward"),
        [row for row in kept if row[0] not in own and ("object", row[0]) not in matched],
        [row for row in returned if ("returned", row[0]) not in matched],
        partial(_output, instance, plan, run.inputs),
    )
    rate = None
    given_after = plan.after[1] if plan.after is not None else ()
    if stepped and not any(given.what in ("rate", "optimizer") for given in (*plan.backward_arguments, *given_after)):
        rate = _own_rate(instance)
        instance = _without_momentum(instance)
    plan = replace(plan, dx=dx, rate=rate)
    for name in stepped:
        if name not in grads:
            grads[name] = Kept("step")
    for name in plan.aliases:
        if name not in grads:
            attempt.missing.setdefault(name, NO_GRADIENT)
    attempt.missing |= dict.fromkeys(plan.unused, UNUSED)
    attempt.missing |= attempt.unknown
    plan = replace(plan, grads=grads, aliases={name: plan.aliases[name] for name in plan.aliases if name in grads})
    attempt.plan = plan
    attempt.layer = layer = adapt_instance(instance, plan, randomness)
    layer.forward(attempt.x)
    found_dx = layer.backward(dy)
    _check_rates(attempt, layer, dy)
    right = 0
    for name, array in layer.params.items():
        right += layer.grads[name].shape == array.shape
    shapes = bool(right == len(layer.params))
    if found_dx is not None:
        shapes = shapes and found_dx.shape == attempt.x.shape
        if found_dx.shape != attempt.x.shape and sorted(found_dx.shape) == sorted(attempt.x.shape):
            attempt.swapped = found_dx.shape
    elif plan.integers and not layer.params:
        attempt.missing["x"] = "no gradient was found for an input of integers"
    elif not plan.integers and "x" not in attempt.missing:
        if not layer.params:
            attempt.missing["x"] = "backward returned and kept no gradient of the input"
        else:
            attempt.notes.append("dx: not computed")
    attempt.score = (3.0 if shapes else 2.0, -len(attempt.missing), right, found_dx is not None)


def _are_of_parameters(returned: list[tuple[Slot, Array]], layer: AdaptedLayer, inputs: list[Array]) -> bool:
    """Whether backward returned one array of the shape of each parameter, and no other."""
    shapes = sorted(array.shape for _, array in returned)
    own = sorted(array.shape for array in layer.params.values())
    return len(own) > 1 and shapes == own and not any(x.shape in shapes for x in inputs)


def _with_numbers(
    attempt: Attempt, numbers: dict[Slot, Array], run: Any, kept: list[tuple[Slot, Array]], randomness: Randomness
) -> bool:
    """Add the numbers that are parameters to the attempt; whether there are any.

    `numbers` are those before backward; what forward does not depend on, such as a counter, is left out.
    """
    plan, instance = attempt.plan, attempt.made.instance
    own = dict(number_leaves(instance))
    candidates = {slot: array for slot, array in numbers.items() if slot in own and _same(own[slot], array)}
    returned = [] if run.returned is None else [*leaves(run.returned), *number_leaves(run.returned)]
    renamed = under_their_names(run.layer.source_of("backward"), returned)
    rows = [(name, array) for name, (_, array) in zip(renamed, returned, strict=True)]
    trained = trained_numbers(candidates, run.thing, kept, rows, len(attempt.x))
    updated = {slot for slot in candidates if slot not in trained and slot.key in names_in_updates(type(instance))}
    instance = copy.deepcopy(instance)
    for slot in [*trained, *updated]:
        array, place = trained.get(slot, (candidates[slot], Kept("")))
        used = None
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if array.shape != candidates[slot].shape:
                slot.set(instance, array)
            used = _depends_on(instance, plan, run.inputs, (slot,), randomness)
        if used and slot in updated:
            attempt.unknown[slot.name] = "a method changes it, but no gradient was found"
        elif used:
            slot.set(instance, array + 0.1 * np.random.default_rng(len(slot.name)).standard_normal(array.shape))
            attempt.numbers[slot] = replace(place, slot=renamed.get(place.slot, place.slot))
    if attempt.numbers:
        aliases = named_places([*plan.aliases.values(), *((slot,) for slot in attempt.numbers)])
        attempt.made, attempt.plan = replace(attempt.made, instance=instance), replace(plan, aliases=aliases)
    return bool(attempt.numbers)


def _same(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))


def _check_rates(attempt: Attempt, layer: AdaptedLayer, dy: Array) -> None:
    """A step must be proportional to the learning rate, else no gradient can be read from it, nor from one that an
    optimizer has normalized: it has the sign of dy, but not its size.
    """
    steps = [name for name, place in layer.plan.grads.items() if place.where == "step"]
    if not steps:
        return
    first = layer._backward(dy, RATES[0])[1]
    second = layer._backward(dy, RATES[1])[1]
    double, negative = (layer._backward(factor * dy, RATES[0])[1] for factor in (2, -1))
    for name in steps:
        if first[name].any() and all(
            first[name].shape == other.shape and np.allclose(first[name], other, rtol=1e-6, atol=1e-9)
            for other in (double[name], -negative[name])
        ):
            attempt.missing[name] = "backward changes it by a step whose size does not depend on that of dy"
        elif not (first[name].shape == second[name].shape and
                  np.allclose(first[name], second[name], rtol=1e-6, atol=1e-9)):  # fmt: skip
            attempt.missing[name] = (
                "backward changes it by a step that is not proportional to a known learning rate; name it: "
                f'check({type(layer.instance).__name__}, learning_rate="...")'
            )
    if any(name in attempt.missing for name in steps):
        kept = {name: place for name, place in layer.plan.grads.items() if name not in attempt.missing}
        aliases = {name: places for name, places in layer.plan.aliases.items() if name in kept}
        attempt.plan = replace(layer.plan, grads=kept, aliases=aliases)
        attempt.layer = adapt_instance(layer.instance, attempt.plan, layer.randomness)


def _own_rate(instance: Any) -> Slot | None:
    """The attribute that is a learning rate, or that of a part, such as a dict of settings, if there is one."""
    for name, value in attributes_of(instance).items():
        if is_rate(name) and isinstance(value, float | int):
            return Slot(((".", name),))
    in_dicts = [slot for slot, _ in number_leaves(instance) if len(slot.steps) == 2 and is_rate(str(slot.key))]
    return in_dicts[0] if len(in_dicts) == 1 else None


def _without_momentum(instance: Any) -> Any:
    """A copy of an instance that steps by itself, without momentum, which leaves only 1 − β of a first step."""
    thing = copy.deepcopy(instance)
    for slot, value in number_leaves(thing):
        if MOMENTUM.match(str(slot.key)) and value.ndim == 0 and 0 < value < 1:
            slot.set(thing, 0.0)
    return thing


MOMENTUM = re.compile(r"^_?(momentum|beta_?1?|mu|rho)$", re.I)


def _dx_places(
    plan: Plan,
    inputs: list[Array],
    returned: list[tuple[Slot, Array]],
    kept: list[tuple[Slot, Array]],
    own: set[Slot],
) -> Iterator[Kept | None]:
    """Where the gradient of each input is: the returned array, part of a returned tuple or dict, or an attribute."""
    if plan.integers:
        yield from (None for _ in inputs)
        return
    used: set[tuple[str, Slot]] = set()
    for x in inputs:
        rows = [("returned", slot, array) for slot, array in returned]
        rows += [("object", slot, array) for slot, array in kept if slot not in own]
        rows = [row for row in rows if (row[0], row[1]) not in used]
        named = [row for name in DX_NAMES for row in rows if row[1].key == name]
        named += [row for row in rows if row[0] == "returned" and row[1].key in ("x", "X", "inputs", "input")]
        steps = [row for row in rows if row[0] == "returned" and row[1].steps[:1] == (("[", 0),)]
        if steps and len(inputs) == 1 and len(returned) == len(x) > 1 and steps[0][2].shape == x.shape[1:]:
            yield Kept("returned")  # one array per time step
            continue
        alone = [row for row in rows if row[0] == "returned" and (not row[1].steps or len(returned) == 1)]
        first = [row for row in rows if row[0] == "returned" and row[2].shape == x.shape]
        kept_named = [row for row in named if row[2].shape == x.shape]
        any_returned = [row for row in rows if row[0] == "returned"]
        found = alone[:1] or [row for row in kept_named if row[0] == "returned"] or first[:1] or kept_named
        found = found or [row for row in named if row[0] == "returned"][:1]
        if not found and any_returned:
            found = any_returned[:1]
        if not found:
            found = named[:1]
        if found:
            used.add((found[0][0], found[0][1]))
            yield Kept(found[0][0], found[0][1])
        else:
            yield None


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
    """For a backward whose argument z may be the input or the output: the reading with the other one."""
    layer = best.layer
    assert layer is not None
    rows = required_of(getattr(type(layer.instance), layer.plan.backward, None), bound=True)
    first = [row.name for row in required_of(getattr(type(layer.instance), layer.plan.forward, None), bound=True)][:1]
    other = {"x": Given("y"), "y": Given("x", 0)}
    swapped = tuple(
        other[given.what] if given.what in other and i < len(rows) and is_either(rows[i].name, first) else given
        for i, given in enumerate(layer.plan.backward_arguments)
    )
    if swapped != layer.plan.backward_arguments and len(layer.plan.inputs) == 1:
        changed = adapt_instance(layer.instance, replace(layer.plan, backward_arguments=swapped), layer.randomness)
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            dx = changed.backward(np.ones_like(changed.forward(best.x)))
            if np.shape(dx) == best.x.shape:  # type: ignore[arg-type]  # np.shape(None) is ()
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
            if y.dtype.kind == "f" and y.shape == layer.forward(best.x).shape and np.shape(dx) == best.x.shape:  # type: ignore[arg-type]  # np.shape(None) is ()
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
    try:
        tree = ast.parse(textwrap.dedent(source_text(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
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
        shape: tuple[int, ...] | None = None
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            shape = np.shape(alone.backward(np.ones_like(alone.forward(best.x))))  # type: ignore[arg-type]  # np.shape(None) is ()
        if shape != best.x.shape:
            continue
        calls = f"{best.made.call(name)}.{plan.forward}(x), dx = dy · {plan.backward}({text}); {plan.layout.describe}"
        cases = partial(layer_case, name, alone, best.x.shape, plan.integers, best.made)
        yield replace(reading, calls=calls, cases=cases)


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


def compared_arrays(attempt: Attempt) -> tuple[str, ...]:
    """The arrays whose gradients are compared, with their shapes."""
    layer = attempt.layer
    assert layer is not None
    found = [f"x {attempt.x.shape}"] if layer.has_dx else []
    return (*found, *(f"{name} {layer.params[name].shape}" for name in layer.plan.grads))


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
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        second = second_layer(layer, made, x)
        if second is not None:
            path = with_settings(name, second[1])
            found.append(replace(first, layer=subject_of(second[0]), path=path, is_second=True, recipe=None))
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        strided = strided_layer(layer, made, x)
        if strided is not None:
            path = with_settings(name, strided[1])
            other = replace(first, layer=subject_of(strided[0]), x=strided[2], path=path, is_second=True, recipe=None)
            found.append(other)
    for other_layer, changed in counted_layers(layer, made):
        path = with_settings(name, changed)
        found.append(replace(first, layer=subject_of(other_layer), path=path, is_second=True, recipe=None))
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        tensor = tensor_layer(layer, x)
        if tensor is not None:
            path = f"{name}(x (N, {', '.join(map(str, tensor[1].shape[1:]))}))"
            other = replace(first, layer=subject_of(tensor[0]), x=tensor[1], path=path, is_second=True, recipe=None)
            found.append(other)
    return found


def tensor_layer(layer: AdaptedLayer, x: Array) -> tuple[AdaptedLayer, Array] | None:
    """The layer with the same numbers as images of one channel; None if forward does not flatten these, or dx is not of
    their shape.
    """
    plan, size = layer.plan, x.shape[-1]
    if plan.layout.name != "rows" or plan.inputs != ((size,),) or plan.integers or size % 2 or size == 2:
        return None
    shape = (1, 2, size // 2)  # no order of the axes but this one has these sizes
    wide, point = adapt_instance(copy.deepcopy(layer.instance), replace(plan, inputs=(shape,)), layer.randomness), (
        x.reshape(len(x), *shape)
    )
    y = wide.forward(point)
    if not np.array_equal(y, layer.forward(x)):
        return None
    dx = wide.backward(np.ones_like(y))
    return (wide, point) if dx is not None and dx.shape == point.shape else None


def strided_layer(
    layer: AdaptedLayer, made: Made | None, x: Array
) -> tuple[AdaptedLayer, dict[str, float], Array] | None:
    """The layer with another stride, and an input that its windows cover; None if backward does not take it."""
    found = with_other_stride(layer.instance, made.settings if made is not None else {})
    if found is None or len(layer.plan.inputs) != 1 or layer.plan.integers or x.ndim < 3:
        return None
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
        return None  # the stride has no effect
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
    dx = second.backward(np.ones_like(y))
    fits = is_finite(y) and dx is not None and dx.shape == point.shape
    return (second, changed, point) if fits else None


def counted_layers(layer: AdaptedLayer, made: Made | None) -> Iterator[tuple[AdaptedLayer, dict[str, float]]]:
    """The layer with another number of heads, groups, layers, ..., of each the first that runs for the same inputs."""
    plan, done = layer.plan, set[str]()
    if made is None:
        return
    for thing, changed in with_other_counts(layer.instance, made.settings):
        if not done & changed.keys():
            tries = attempts(
                replace(made, instance=thing), (plan.forward, plan.backward), layer.randomness,
                [(plan.layout, plan.inputs, plan.integers)],
            )  # fmt: skip
            best = next((attempt for attempt in tries if attempt.perfect), None)
            if best is not None and best.layer is not None:
                done |= changed.keys()
                yield best.layer, changed


def second_layer(layer: AdaptedLayer, made: Made | None, x: Array) -> tuple[AdaptedLayer, dict[str, float]] | None:
    """The layer with second values of its settings, and these; None if its output for x is then not finite."""
    found = second_instance(layer.instance, made.settings if made is not None else {})
    if found is None:
        return None
    thing, changed = found
    if len(layer.plan.inputs) == 1:
        has_step = any(True for _ in steps_in(layer.instance))
        thing = prepared(Made(thing), layer.plan.inputs[0], optimizer=has_step).instance
    for name, places in layer.plan.aliases.items():
        for place in places:
            place.set(thing, layer.params[name].copy())
    second = adapt_instance(thing, layer.plan, layer.randomness)
    return (second, changed) if is_finite(second.forward(x)) else None


def describe(attempt: Attempt, name: str) -> str:
    """How the class is called: `Dense(4, 3).forward(x), then backward(dy, rate); samples are rows`."""
    plan = attempt.plan
    words = {"x": "x", "dy": "dy", "y": "y", "rate": "learning_rate", "optimizer": "optimizer", "returned": "result",
             "cache": "cache", "gradients": "{}"}  # fmt: skip

    def shown(given: Given) -> str:
        text = words.get(given.what) or (given.value.name if given.what == "slot" else repr(given.value))
        text = f"result[{given.value}]" if given.what == "item" else text
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


__all__ = ["adapt", "layer_in", "layer_methods"]
