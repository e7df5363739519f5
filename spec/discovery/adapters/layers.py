"""Layers written as classes: forward and backward under any name, gradients kept, returned or stepped by.

How a class is called is worked out by trying: constructor settings, input shapes and layouts, and the arguments of
backward are tried in the order of their likelihood, and each attempt is scored by what it computes: an input gradient
of the input's shape, and a gradient of its shape for every array that the output depends on.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.calls import Made, Randomness, guesses
from nnlaw.spec.discovery.closures import class_with_pullback, returns_pullback
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.layer_attempts import attempts, best_attempt, best_of_forwards
from nnlaw.spec.discovery.layer_gradients import Attempt
from nnlaw.spec.discovery.layer_inputs import is_convolution
from nnlaw.spec.discovery.layer_methods import (
    BACKWARD,
    FORWARD,
    FORWARD_WORD,
    INCOMING,
    TARGETS,
    forward_methods,
    is_method,
    layer_methods,
    mode_value,
)
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.layouts import LAYOUTS
from nnlaw.spec.discovery.nothing import BACKWARD_WORD, class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.stacks import built
from nnlaw.spec.discovery.time_limit import OutOfTime, time_limit
from nnlaw.spec.subjects.cases import Case, LayerCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import counted


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The classes of the module that are layers."""
    for name, kind in list(scope.classes.items()):
        try:
            with time_limit(scope.seconds_for_one()):
                found = layer_in(kind, name, scope)
        except OutOfTime as error:
            found = Found("layer", name, "class", class_location(kind), kind, reason=f"the search for a call {error}")
        except Exception as error:  # raised by the code under test in an unexpected place
            reason = f"{type(error).__name__} while it was called: {error}"
            found = Found("layer", name, "class", class_location(kind), kind, reason=reason)
        yield found


def layer_in(kind: type, name: str, scope: Scope) -> Found | None:
    """The class as a layer; None if it lacks a forward or a backward."""
    methods = layer_methods(kind) or _without_input(kind)
    forward = next(iter(forward_methods(kind)), "") if methods is None else ""
    if forward and returns_pullback(getattr(kind, forward)):
        kind, methods = class_with_pullback(kind, forward), (forward, "pullback")
    if methods is None or is_base_class(kind):
        return None
    location, style = class_location(kind), f"class with {methods[0]} and {methods[1]}"
    targets = [row.name for row in required_of(kind) if TARGETS.match(row.name)]
    if targets and re.search(r"loss|entropy|cost", name, re.I):
        reason = f"it is a loss whose constructor takes {targets[0]}; pass {targets[0]} to {methods[0]}"
        return Found("layer", name, style, location, kind, reason=reason)
    if not required_of(getattr(kind, methods[0]), bound=True):
        reason = f"{methods[0]} takes no input, and {methods[1]} gets a gradient"
        return Found("layer", name, style, location, kind, reason=reason)
    made = list(built(kind, scope))
    if not made:
        reason = f"can't construct {name}{inspect.signature(kind)}; pass an instance: check({_example(kind, name)})"
        return Found("layer", name, style, location, kind, reason=reason)
    best = best_of_forwards(made, methods, scope)
    if best is None:
        shape = hints().input_shape or ((2, 3, 8, 8) if is_convolution(made[0].instance) else (5, 4))
        reason = f"found no input that {name}.{methods[0]} takes; pass its shape: check({name}, input_shape={shape})"
        if not required_of(getattr(kind, methods[1]), bound=True):
            reason += f"; if {methods[1]}() is that of a loss, add a method loss() that returns it"
        return Found("layer", name, style, location, kind, reason=reason)
    return found_of(best, name, style, kind)


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
