"""Layers that take or return dicts of arrays, such as a recurrent cell with a dict of states.

    y, state = cell.forward(x, {"h": h}); dx, dstate = cell.backward(dy, {"h": dh})
    outputs = layer.forward({"x": x}); gradients = layer.backward({"x": dy})
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.argument_uses import uses_of
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_methods import is_method, layer_methods
from nnlaw.spec.discovery.layer_readings import found_of
from nnlaw.spec.discovery.nothing import is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.discovery.stacks import built
from nnlaw.spec.subjects.gradient_names import is_gradient_of

MAX_INPUTS = 4
STEP = ("step", "backward")  # of a recurrent cell
Rows = tuple[tuple[str, tuple[str, ...]], ...]
"""The arguments of a method, each with the keys that it reads from it; those of an array are empty."""


def adapt(scope: Scope) -> Iterator[Found]:
    """The classes of the module whose forward reads keys of its arguments."""
    for name, kind in list(scope.classes.items()):
        methods = layer_methods(kind) or (STEP if all(is_method(kind, each) for each in STEP) else None)
        if methods is None or is_base_class(kind):
            continue
        rows = _rows(getattr(kind, methods[0]))
        incoming = _rows(getattr(kind, methods[1]))
        count = sum(max(len(keys), 1) for _, keys in rows)
        if not any(keys for _, keys in rows) or count > MAX_INPUTS:
            continue
        for made in built(kind, scope, limit=1):
            wrapper = _with_inputs(count)(made.instance, methods, rows, incoming)
            best = best_attempt([Made(wrapper, made.settings)], ("forward", "backward"), scope)
            if best is not None and best.perfect:
                found = found_of(best, name, f"class with {methods[0]} and {methods[1]} on dicts", kind)
                calls = f"{made.call(name)}.{methods[0]}({_words(rows)}), then {methods[1]}({_words(incoming)})"
                calls += f"; {best.plan.layout.describe}"
                yield replace(found, readings=tuple(replace(reading, calls=calls) for reading in found.readings))
                break


def _rows(method: Callable[..., Any]) -> Rows:
    return tuple((row.name, tuple(uses_of(method, row.name).keys)) for row in required_of(method, bound=True))


def _words(rows: Rows) -> str:
    return ", ".join("{" + ", ".join(map(repr, keys)) + "}" if keys else name for name, keys in rows)


class DictLayer:
    """forward(x0, x1, ...) and backward(dy) of an author's layer, whose dicts are made of the arrays."""

    def __init__(self, layer: Any, methods: tuple[str, str], inputs: Rows, incoming: Rows) -> None:
        self.layer = layer
        self._methods, self._inputs, self._incoming = methods, inputs, incoming

    def source_of(self, method: str) -> Any:
        """The author's method."""
        return getattr(type(self.layer), self._methods[method != "forward"])

    def own_functions(self) -> list[Any]:
        """The author's functions, backward first."""
        return [getattr(type(self.layer), name) for name in reversed(self._methods)]

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        kind = type(self.layer)
        self.layer.__class__ = type(kind.__name__, (kind,), dict(made))

    def run(self, *arrays: Array) -> Array:
        """The outputs of which backward takes a gradient, side by side."""
        rest, given = list(arrays), []
        for _, keys in self._inputs:
            given.append({key: rest.pop(0) for key in keys} if keys else rest.pop(0))
        returned = getattr(self.layer, self._methods[0])(*given)
        parts = returned if isinstance(returned, tuple) else (returned,)
        self._outputs = parts[: len(self._incoming)]
        ys = [y for part in self._outputs for y in (part.values() if isinstance(part, Mapping) else (part,))]
        self._ends = [int(end) for end in np.cumsum([y.shape[-1] for y in ys])[:-1]]
        return np.concatenate(ys, axis=-1)

    def backward(self, dy: Array) -> tuple[Any, ...]:
        """The gradients of all inputs that it returns."""
        rest = [part.copy() for part in np.split(dy, self._ends, axis=-1)]
        given = [{key: rest.pop(0) for key in part} if isinstance(part, Mapping) else rest.pop(0)
                 for part in self._outputs]  # fmt: skip
        returned = getattr(self.layer, self._methods[1])(*given)
        parts = returned if isinstance(returned, tuple) else (returned,)
        return tuple(
            gradient for part, (_, keys) in zip(parts, self._inputs, strict=False)
            for gradient in ([_of_key(part, key) for key in keys] if isinstance(part, Mapping) else [part])
        )  # fmt: skip


def _of_key(gradients: Mapping[str, Any], key: str) -> Any:
    """The gradient of an entry: below its key, or below a name such as dh."""
    return gradients[key] if key in gradients else next(g for name, g in gradients.items() if is_gradient_of(name, key))


def _with_inputs(count: int) -> type[DictLayer]:
    """The class whose forward takes this number of arrays."""

    def forward(self: DictLayer, *arrays: Array) -> Array:
        return self.run(*arrays)

    names = ["self", *(f"x{i}" for i in range(count))]
    rows = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    vars(forward)["__signature__"] = inspect.Signature(rows)
    return type("DictLayer", (DictLayer,), {"forward": forward})
