"""Losses without targets: of several arrays with a gradient for each, such as a triplet loss, and penalties of one.

    loss(anchor, positive, negative) with grad() -> three arrays      distance(a, b) with distance_grad(a, b) -> two
    L2(0.1)(weights) with gradient(weights) -> one

A law sees one prediction, whose columns are those arrays.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import AdaptedLoss, LossCode, signature_of
from nnlaw.spec.discovery.adapters.losses import AGREES, GRADIENTS, LOSS_WORDS, VALUES, is_target, mismatch
from nnlaw.spec.discovery.calls import PENALTIES, Randomness, constructions
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.layouts import LAYOUTS
from nnlaw.spec.discovery.name_pairs import is_derivative_name
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scenarios import SCENARIOS, Scenario
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.subjects.cases import Case, LossCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.variants import with_another
from nnlaw.spec.violation import Location

WIDTH = 3
PENALTY = re.compile(r"(^|_)l[12](_|$)|regulari[sz]|penalty|weight_?decay|ridge|lasso", re.I)


def adapt(scope: Scope) -> Iterator[Found]:
    """The losses of several arrays in the module."""
    randomness = Randomness.of(scope.module)
    for name, kind in list(scope.classes.items()):
        values = [method for method in VALUES if method in vars(kind)]
        gradients = [method for method in GRADIENTS if method in vars(kind)]
        if not values or not gradients or is_base_class(kind):
            continue
        strengths: dict[str, list[Any]] = {row.name: [0.3] for row in required_of(kind) if PENALTIES.search(row.name)}
        for made in constructions(kind, scope, 1, strengths):
            loss = _JointLoss(made.instance, values[0], gradients[0])
            yield from _found(name, kind, class_location(kind), loss, randomness, (name,))
    for name, function in list(scope.functions.items()):
        if LOSS_WORDS.search(name) or PENALTY.search(name):
            for other in list(scope.functions):
                if is_derivative_name(other, name):
                    loss = _JointLoss(None, function, scope.functions[other])
                    yield from _found(name, function, Location.of(function), loss, randomness, (name, other))


class _JointLoss:
    """A loss of the columns of one prediction."""

    def __init__(self, thing: Any, value: str | Callable[..., Any], gradient: str | Callable[..., Any]) -> None:
        self.thing, self._value, self._gradient = thing, value, gradient
        self.names = [row.name for row in signature_of(self._function(value))]

    def _function(self, one: str | Callable[..., Any]) -> Any:
        return getattr(self.thing, one) if isinstance(one, str) else one

    def source_of(self, which: str) -> Any:
        """The author's function, for locations."""
        found = self._value if which in ("forward", "value") else self._gradient
        return getattr(type(self.thing), found, None) if isinstance(found, str) else found

    @property
    def instance(self) -> Any:
        """The author's object; None for functions."""
        return self.thing

    def own_functions(self) -> list[Any]:
        """The author's functions, the gradient first."""
        return [self._gradient, self._value]

    def replace_functions(self, made: Mapping[str, Any]) -> None:
        """Use other functions of these names."""
        self._value, self._gradient = with_another(self._value, made), with_another(self._gradient, made)

    def _parts(self, prediction: Array) -> list[Array]:
        return np.split(prediction, len(self.names), axis=1)

    def value(self, prediction: Array, target: Array) -> Any:
        """The loss, or the sum of those of all entries; there is no target."""
        found = self._function(self._value)(*self._parts(prediction))
        return np.sum(found) if len(self.names) > 1 and np.ndim(found) == 2 else found

    def gradient(self, prediction: Array) -> Any:
        """The gradients of all arrays, side by side."""
        function = self._function(self._gradient)
        found = function(*self._parts(prediction) if signature_of(function) else ())
        if len(self.names) == 1 and isinstance(found, np.ndarray):
            return found
        if not isinstance(found, tuple | list | np.ndarray) or len(found) != len(self.names):
            raise TypeError("no gradient for each array")
        return np.concatenate(found, axis=1)


def _found(
    name: str, thing: Any, location: Location, loss: _JointLoss, randomness: Randomness, names: tuple[str, ...]
) -> Iterator[Found]:
    """The unit, in the first scenario in which value and gradient agree; nothing if it can't be called so."""
    count = len(loss.names)
    if not 1 <= count <= 4 or any(map(is_target, loss.names)):
        return
    rows: list[tuple[float, AdaptedLoss]] = []
    for scenario in SCENARIOS[:1] + SCENARIOS[3:5]:
        code = LossCode(loss, "value", ("p", "t"), "gradient", ("p",))
        adapted = AdaptedLoss(code, scenario, LAYOUTS["rows"], randomness)
        try:
            with np.errstate(all="ignore"):
                if np.ndim(loss.value(*_draw(scenario, 0, count))) > (count > 1):
                    return
                rows.append((mismatch(adapted, *_draw(scenario, 0, count)), adapted))
        except Exception:
            continue
        if rows[-1][0] <= AGREES:
            break
    rows = [row for row in rows if np.isfinite(row[0])]
    if not rows:
        return
    chosen = rows[-1] if rows[-1][0] <= AGREES else rows[0]
    calls = f"{name}({', '.join(loss.names)}) and its gradients; {chosen[1].scenario}; samples are rows"
    compared = tuple(f"{one} (5, {WIDTH})" for one in loss.names)
    reading = Reading(calls, partial(_cases, name, chosen[1], count), compared)
    style = f"{'class' if inspect.isclass(thing) else 'functions'} of {count} arrays"
    yield Found("loss", name, style, location, thing, (reading,), names=names)


def _draw(scenario: Scenario, seed: int, count: int) -> tuple[Array, Array]:
    """The arrays side by side, and a target that is not used."""
    rng = np.random.default_rng((seed, 5))
    parts = [scenario.draw(rng, 5, WIDTH)[0] for _ in range(count)]
    return np.concatenate(parts, axis=1), np.zeros((5, WIDTH * count))


def _cases(name: str, loss: AdaptedLoss, count: int, seed: int) -> list[Case]:
    return [LossCase(name, subject_of(loss), *_draw(loss.scenario, seed, count), seed=seed, registered=False)]
