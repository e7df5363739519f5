"""Derivatives without their function, such as sigmoid_derivative(x): they are those of the activation in their name.

    lone_derivative(Found("layer", "tanh_prime", ...), scope)      None if its name has no standard activation

A derivative may take the input or the output of the activation; both readings are tried.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.calls import Made
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.function_pair import Activation
from nnlaw.spec.discovery.layer_attempts import best_attempt
from nnlaw.spec.discovery.layer_cases import layer_case
from nnlaw.spec.discovery.layer_readings import compared_arrays
from nnlaw.spec.discovery.name_pairs import stems
from nnlaw.spec.discovery.nothing import BACKWARD_WORD
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.reference.activations import ACTIVATIONS
from nnlaw.spec.reference.definition import Given, Variant
from nnlaw.spec.reference.names import simplified, standard_name
from nnlaw.spec.reference.settings import Settings
from nnlaw.spec.subjects.hyperparameters import numeric_defaults

NOT_BY_ENTRY = ("softmax", "log_softmax")
IDENTITY = ("linear", "identity")


def activation_of(name: str) -> str:
    """The standard activation whose derivative has this name; "" if there is none, or if it is a matrix.

    A function that is called backward gets the gradient of the output, too.
    """
    own = set() if BACKWARD_WORD.search(name) else stems(name)
    found = [stem if stem in IDENTITY else standard_name(None, stem, ACTIVATIONS) for stem in own]
    return next((one for one in found if one and one not in NOT_BY_ENTRY), "")


def lone_derivative(unit: Found, scope: Scope) -> Found | None:
    """A function as the derivative of an activation; None if it is not one by its name, or can't be called so."""
    name, function = unit.name, unit.thing
    standard = activation_of(name.rpartition(".")[2])
    if unit.kind != "layer" or not standard or not inspect.isroutine(function) or len(required_of(function)) != 1:
        return None
    readings = []
    for value in _values(standard, function):
        for of in ("input", "output"):
            instance = LoneDerivative(value, function, of)
            best = best_attempt([Made(instance)], ("forward", "backward"), scope)
            if best is None or best.layer is None:
                continue
            how = f"dx = dy · {name}(x); the derivative of {standard}, after its name; it takes the {of}"
            cases = partial(layer_case, name.rpartition(".")[2], best.layer, best.x.shape, 0, best.made)
            readings.append(Reading(how, cases, compared_arrays(best), dict(best.missing)))
    return replace(unit, style="derivative alone", readings=tuple(readings), reason="") if readings else None


def _values(standard: str, function: Any) -> Iterator[Callable[[Array], Array]]:
    """The functions that an activation of this name may compute, with the numbers of the derivative."""
    if standard in IDENTITY:
        yield np.copy
        return
    numbers = {simplified(key): float(number) for key, number in numeric_defaults(function).items()}
    code = getattr(function, "__code__", None)
    written = {f"constant{i}": v for i, v in enumerate(code.co_consts) if isinstance(v, float)} if code else {}
    settings = Settings(numbers | written)
    for variant in ACTIVATIONS[standard].variants:
        count = len(list(variant(Given([np.zeros((1, 1))], settings=settings))))
        yield from (partial(_value, variant, settings, i) for i in range(count))


def _value(variant: Variant, settings: Settings, number: int, x: Array) -> Array:
    found: Array = list(variant(Given([x], settings=settings)))[number][0]
    return found


class LoneDerivative(Activation):
    """The derivative, behind the protocol of a layer with the activation of the textbook."""

    def source_of(self, method: str) -> Callable[..., Any]:
        """The author's function."""
        return self._functions[1]

    def own_functions(self) -> list[Any]:
        """The author's function."""
        return super().own_functions()[:1]
