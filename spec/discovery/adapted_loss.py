"""Any loss with a gradient, behind the loss protocol.

    loss = AdaptedLoss(code, scenario, layout)
    loss.forward(prediction, target), loss.backward()       predictions have samples as rows, in any layout of the code

`code` computes value and gradient. Each call runs on a new copy of the author's object.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.calls import Randomness
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.scenarios import Scenario, sigmoid, softmax
from nnlaw.spec.discovery.scope import parameters_of_call
from nnlaw.spec.discovery.slots import array_slots, attributes_of
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.subjects.hyperparameters import numeric_defaults

LINKS: dict[str, Callable[[Array], Array]] = {"softmax": softmax, "sigmoid": sigmoid}
"""From logits to the predictions that the loss takes."""

TOTALS: dict[str, Callable[[Array], float]] = {
    "": lambda values: float(np.sum(values)),
    "their mean": lambda values: float(np.mean(values)),
    "their sum over the outputs and mean over the batch": lambda values: float(np.sum(values) / len(values)),
    "their mean over the outputs and sum over the batch": lambda values: float(np.sum(values) / np.size(values[0])),
}
"""One number from a loss that returns an array."""

Roles = tuple[str, ...]
"""What each argument is: "p" prediction, "t" target, "z" logits, "o" the object's output, "1" a gradient of one, "m" a
mask of the predictions that count."""


def mask_of(prediction: Array) -> Array:
    """Which predictions count, of sequences or samples: two of three."""
    shape = prediction.shape[:-1]
    return np.asarray(np.arange(int(np.prod(shape))).reshape(shape) % 3 != 1)


@dataclass(frozen=True)
class LossCode:
    """How to call a loss: `value` and `gradient` are methods of the object or functions, with the roles of their
    arguments. Without `gradient`, the value is a tuple of the loss and its gradient.
    """

    thing: Any
    value: str | Callable[..., Any]
    value_roles: Roles
    gradient: str | Callable[..., Any] | None
    gradient_roles: Roles
    flags: dict[str, Any] = field(default_factory=dict)
    """Named arguments of the gradient."""

    def call(self, thing: Any, which: str, roles: Roles, values: dict[str, Any]) -> Any:
        """Call the value or the gradient."""
        function = getattr(self, which)
        if isinstance(function, str):
            function = getattr(thing, function)
        arguments = [values[role].copy() if isinstance(values[role], np.ndarray) else values[role] for role in roles]
        return function(*arguments, **(self.flags if which == "gradient" else {}))

    def source_of(self, which: str) -> Any:
        """The author's function."""
        if hasattr(self.thing, "source_of"):
            return self.thing.source_of(which)
        found = self.value if which == "forward" or self.gradient is None else self.gradient
        return getattr(type(self.thing), found, None) if isinstance(found, str) else found


class AdaptedLoss:
    """The protocol over a loss, for one scenario, layout and total."""

    def __init__(
        self, code: LossCode, scenario: Scenario, layout: Layout, randomness: Randomness, total: str = "",
        link: str = "",
    ) -> None:  # fmt: skip
        self.code, self.scenario, self.layout, self.randomness = code, scenario, layout, randomness
        self.total, self.link = total, link
        self.is_multiple = False
        """Whether the gradient is that of the loss times a number."""
        self.smooth = True  # no slope is zero, so the prediction is not clipped
        numbers = {**vars(type(code.thing)), **attributes_of(code.thing)} if code.thing is not None else {}
        numbers |= {} if isinstance(code.value, str) else numeric_defaults(code.value)
        for name, value in numbers.items():  # laws look for constants such as δ among the attributes
            if isinstance(value, int | float) and not isinstance(value, bool) and not hasattr(self, name):
                setattr(self, name, value)

    def source_of(self, method: str) -> Any:
        """The author's function behind a method, for locations."""
        return self.code.source_of(method)

    @property
    def instance(self) -> Any:
        """The author's object; None for functions."""
        return self.code.thing

    def own_functions(self) -> list[Any]:
        """The author's functions, the gradient first."""
        return [f for f in (self.code.gradient, self.code.value) if f is not None and not isinstance(f, str)]

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        code = self.code
        value, gradient = (made.get(getattr(f, "__name__", ""), f) for f in (code.value, code.gradient))
        self.code = replace(code, value=value, gradient=gradient)

    def _arguments(self, prediction: Array, target: Array) -> list[dict[str, Any]]:
        """For each call, the arrays by role."""
        linked = LINKS[self.link](prediction) if self.link else prediction
        parts = [self.layout.split(array) for array in (linked, target, prediction)]
        return [{"p": p, "t": t, "z": z, "o": p, "1": 1.0, "m": mask_of(p)} for p, t, z in zip(*parts, strict=True)]

    def values(self, prediction: Array, target: Array) -> list[Any]:
        """What the code returns for the loss, once per call."""
        self.randomness.reset()
        code = self.code
        found = [
            code.call(copy.deepcopy(code.thing), "value", code.value_roles, values)
            for values in self._arguments(prediction, target)
        ]
        pairs = code.gradient is None or all(isinstance(one, tuple) and np.ndim(one[0]) == 0 for one in found)
        return [one[0] for one in found] if pairs else found

    def forward(self, prediction: Array, target: Array) -> float:
        """The loss."""
        self.given = prediction.copy(), target
        return sum(TOTALS[self.total](np.asarray(one, np.float64)) for one in self.values(prediction, target))

    def ignores_masked(self, prediction: Array, target: Array) -> bool:
        """Whether all predictions with one value of the mask, False or True, leave the loss as it is."""
        value, counts = self.forward(prediction, target), mask_of(prediction)[..., None]
        others = (np.where(counts == kept, prediction, prediction[::-1]) for kept in (True, False))
        return any(self.forward(other, target) == value for other in others)

    def broadcasts(self, prediction: Array, target: Array) -> bool:
        """Whether a prediction and a target that are columns (N, 1) give another loss than the same numbers as (N,)."""
        vectors = AdaptedLoss(self.code, self.scenario, LAYOUTS["one"], self.randomness, self.total, self.link)
        if self.layout.single:
            parts = prediction, target
        elif prediction[0].size == 1:
            parts = prediction.reshape(1, -1), target.reshape(1, -1)
        else:
            return False
        try:
            return not np.isclose(self.forward(prediction, target), vectors.forward(*parts), rtol=1e-6)
        except Exception:
            return False

    def backward(self) -> Array:
        """The gradient at the latest prediction, with samples as rows."""
        self.randomness.reset()
        parts = [np.asarray(self._gradient(values), np.float64) for values in self._arguments(*self.given)]
        slope = self.layout.join(parts) if self.layout.single or parts[0].ndim < 3 else parts[0]
        return np.array(slope)

    def _gradient(self, values: dict[str, Any]) -> Any:
        """The gradient of one call, after the value was computed."""
        code, thing, shape = self.code, copy.deepcopy(self.code.thing), values["p"].shape
        found = code.call(thing, "value", code.value_roles, values)
        if code.gradient is None:
            return found[1]
        before = {slot: array.copy() for slot, array in array_slots(thing)}
        outputs = [array for slot, array in array_slots(thing) if array.shape == shape and slot.key == "output"]
        slope = code.call(thing, "gradient", code.gradient_roles, values | ({"o": outputs[0]} if outputs else {}))
        if isinstance(slope, tuple | list):
            slope = next((one for one in slope if np.shape(one) == shape), slope[0])
        if slope is None or slope is thing:
            kept = [
                array for slot, array in array_slots(thing)
                if array.shape == shape and (slot not in before or not np.array_equal(before[slot], array))
            ]  # fmt: skip
            slope = kept[-1] if kept else None
        return slope

    def changed_results(self, prediction: Array, target: Array) -> list[tuple[str, str, float, float]]:
        """Methods that return other numbers after the gradient, because it changes an array of the value in place.

        Each with the attribute, and the number before and after; the method returns the former if the array is
        set back. The outputs are rotated, since an accuracy may be 0 by chance.
        """
        if not isinstance(self.code.value, str) or self.code.gradient in (None, self.code.value):
            return []
        rows = (np.roll(prediction, i, axis=-1) for i in range(prediction.shape[-1]))
        return [each for row in rows for each in self._changed_results(row, target)]

    def is_used_up(self, prediction: Array, target: Array) -> bool:
        """Whether a second gradient after one value is another one."""
        code, thing = self.code, copy.deepcopy(self.code.thing)
        if not isinstance(code.value, str) or not isinstance(code.gradient, str):
            return False
        values = self._arguments(prediction, target)[0]
        code.call(thing, "value", code.value_roles, values)
        first, second = (np.array(code.call(thing, "gradient", code.gradient_roles, values)) for _ in range(2))
        return not np.array_equal(first, second)

    def _changed_results(self, prediction: Array, target: Array) -> list[tuple[str, str, float, float]]:
        code, found = self.code, []
        values = self._arguments(prediction, target)[0]
        used, twin, other = (copy.deepcopy(code.thing) for _ in range(3))
        for thing, given in ((used, values), (twin, values), (other, self._arguments(prediction[::-1], target)[0])):
            code.call(thing, "value", code.value_roles, given)
        before = copy.deepcopy(used)
        kept = {key: array for key, array in attributes_of(used).items() if isinstance(array, np.ndarray)}
        outputs = [array for slot, array in array_slots(used) if slot.key == "output"]
        code.call(used, "gradient", code.gradient_roles, values | ({"o": outputs[0]} if outputs else {}))
        for key, array in kept.items():
            old, same, apart = (np.asarray(attributes_of(each).get(key)) for each in (before, twin, other))
            is_cache = np.array_equal(old, same) and not np.array_equal(old, apart)
            if not is_cache or attributes_of(used).get(key) is not array or np.array_equal(old, array):
                continue
            set_back = copy.deepcopy(used)
            setattr(set_back, key, old.copy())
            for name in readers_of(type(code.thing), key, (str(code.value), str(code.gradient))):
                first, second, third = (numbers_of(copy.deepcopy(thing), name) for thing in (before, used, set_back))
                if is_finite(first) and np.array_equal(first, third) and first.shape == second.shape:
                    rows = zip(first.tolist(), second.tolist(), strict=True)
                    found += [(key, name, *row) for row in rows if row[0] != row[1]][:1]
        return found

    def written_arguments(self, prediction: Array, target: Array) -> list[tuple[str, str, int]]:
        """The arguments that the code changes: the method, the argument, and the line if it is known, else 0."""
        code, thing, changed = self.code, copy.deepcopy(self.code.thing), []
        for which, roles in (("value", code.value_roles), ("gradient", code.gradient_roles)):
            if which == "gradient" and code.gradient is None:
                continue
            values = self._arguments(prediction, target)[0]
            values = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in values.items()}
            kept = copy.deepcopy(values)
            function = getattr(code, which)
            function = getattr(thing, function) if isinstance(function, str) else function
            function(*(values[role] for role in roles), **(code.flags if which == "gradient" else {}))
            words = {"p": "prediction", "t": "target", "z": "logits", "o": "output", "m": "mask"}
            changed += [
                ("forward" if which == "value" else "backward", words[role], 0)
                for role in roles
                if isinstance(values[role], np.ndarray) and not np.array_equal(values[role], kept[role])
            ]
        return changed


def readers_of(kind: type, attribute: str, besides: tuple[str, ...]) -> list[str]:
    """The methods of a class that read an attribute and take no arguments, but not those that return a gradient."""
    return [
        name for name, method in vars(kind).items()
        if inspect.isfunction(method) and name not in besides and not re.search(r"grad|back|deriv|^_|^d[a-z]?$", name)
        and attribute in method.__code__.co_names and method.__code__.co_argcount == 1
    ]  # fmt: skip


def numbers_of(thing: Any, method: str) -> Array:
    """The numbers that a method returns, as a vector; empty if it returns another value or raises."""
    try:
        return np.asarray(getattr(thing, method)(), np.float64).reshape(-1)
    except Exception:
        return np.zeros(0)


def describe(code: LossCode, name: str, loss: AdaptedLoss) -> str:
    """How the loss is called, in one line."""
    words = {"p": "prediction", "t": "target", "z": "logits", "1": "1.0", "o": "output", "m": "mask"}

    def shown(which: str, roles: Roles) -> str:
        function = getattr(code, which)
        text = f"{name}.{function}" if isinstance(function, str) else function.__name__
        flags = [f"{key}={value!r}" for key, value in code.flags.items()] if which == "gradient" else []
        return f"{text}({', '.join([*(words[role] for role in roles), *flags])})"

    text = shown("value", code.value_roles)
    if code.gradient is not None:
        text += f", then {shown('gradient', code.gradient_roles)}"
    if loss.total:
        text += f"; {loss.total} is the loss"
    return f"{text}; {loss.scenario}; {loss.layout.describe}"


VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def signature_of(function: Any) -> list[inspect.Parameter]:
    """The required positional arguments of a bound method or a function.

    Those of a method that only takes *args are those of the other method that it passes them to.
    """
    rows = parameters_of_call(function)
    rest = next((row.name for row in rows if row.kind is inspect.Parameter.VAR_POSITIONAL), "")
    if rest and inspect.ismethod(function) and all(row.kind in VARIABLE for row in rows):
        inner = re.search(rf"\bself\.(\w+)\(\*{rest}\b", source_text(function))
        other = getattr(function.__self__, inner[1], None) if inner else None
        return signature_of(other) if inspect.ismethod(other) and other.__name__ != function.__name__ else []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [row for row in rows if row.kind in kinds and row.default is row.empty]
