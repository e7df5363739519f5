"""Activations, losses and dropout without a derivative: their values are compared with the definition of their name.

    def sigmoid(x)      class MSE: __call__(prediction, target)      cross_entropy(y_true, y_pred)

Several ways to call such a function may run; it is right if its values are those of the definition in one of them. A
function that has a derivative in its module, which could not be called, is not checked.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.adapted_loss import TOTALS, AdaptedLoss, LossCode, describe, signature_of
from nnlaw.spec.discovery.adapters.losses import BATCHES, LOSS_WORDS, SINGLE, is_target, roles_of
from nnlaw.spec.discovery.calls import Randomness, constructions, standard_input
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.function_pair import by_entries
from nnlaw.spec.discovery.hints import hinted, hints
from nnlaw.spec.discovery.layer_methods import mode_value
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.name_pairs import is_derivative_name
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scenarios import SCENARIOS, Scenario
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.used_layout import used_layout
from nnlaw.spec.reference.activations import ACTIVATIONS
from nnlaw.spec.reference.definition import Given
from nnlaw.spec.reference.losses import LOSSES
from nnlaw.spec.reference.names import standard_name
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase
from nnlaw.spec.subjects.hyperparameters import numeric_defaults
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import Location

SLOPE = re.compile(r"^(alpha|slope|negative_slope|leak|a|beta)$")
METHODS = ("__call__", "forward", "loss", "compute", "calculate", "call", "apply", "activate", "activation")
OF_NUMBERS = ("mse", "rmse", "mae", "huber", "cosine_similarity")
"""Losses whose targets are any numbers."""
DROP_RATE = 0.3  # not 0.5, where the probabilities to keep and to drop are equal
UNKNOWN = "it computes no gradient, and its name is not that of a standard loss"


def adapt(scope: Scope) -> Iterator[Found]:
    """The activations, losses and dropout functions of the module that compute no gradient."""
    randomness = Randomness.of(scope.module)
    things: list[tuple[str, Any]] = [*scope.classes.items(), *scope.functions.items()]
    for name, thing in things:
        own = name.rpartition(".")[2]
        rows = [(kind, read) for table, kind, read in TABLES if standard_name(None, own, table)]
        if not rows:
            if not inspect.isclass(thing) and LOSS_WORDS.search(name) and _looks_like("loss", thing):
                yield Found("", name, "", Location.of(thing), thing, reason=UNKNOWN)
            continue
        kind, read = rows[0]
        function = _only_method(thing, scope) if inspect.isclass(thing) else thing
        if function is None:
            continue
        location = class_location(thing) if inspect.isclass(thing) else Location.of(thing)
        others = [other for other in scope.everything if is_derivative_name(other, name)]
        if others:
            reason = f"its derivative {others[0]} could not be called"
            yield Found(kind, name, "", location, thing, reason=reason)
            continue
        with np.errstate(all="ignore"):
            readings = tuple(read(own, function, randomness))
            used = used_layout(scope.module, own) if kind == "layer" else ""
            if used and used != hints().layout:
                with hinted(replace(hints(), layout=used)):
                    readings = tuple(read(own, function, randomness))
        reason = "" if readings else "found no arguments that it takes"
        if readings or _looks_like(kind, function):
            yield Found(kind, name, f"{kind} without a derivative", location, thing, readings, reason)


def _looks_like(kind: str, function: Any) -> bool:
    names = [row.name for row in signature_of(function)]
    return len(names) == 1 if kind == "layer" else len(names) == 2 and any(map(is_target, names))


def _only_method(kind: type, scope: Scope) -> Any:
    """The method of an instance of a class that has no other one; else None."""
    methods = [name for name, value in vars(kind).items() if inspect.isfunction(value)
               and (name == "__call__" or not name.startswith("_"))]  # fmt: skip
    if len(methods) != 1 or methods[0] not in METHODS or is_base_class(kind) or kind.__bases__ != (object,):
        return None
    made = next(constructions(kind, scope, limit=1), None)
    return None if made is None else getattr(made.instance, methods[0])


def constants_of(function: Any) -> dict[str, float]:
    """The numbers of its module that a function reads, and those written in it, which may be its slope."""
    code, own = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    if code is None:
        return {}
    read = {name: own.get(name) for name in code.co_names}
    written = {f"constant_{i}": value for i, value in enumerate(code.co_consts) if isinstance(value, float)}
    return {name: v for name, v in (read | written).items() if isinstance(v, int | float) and not isinstance(v, bool)}


class Values:
    """A function of x behind the protocol of a layer, without a backward."""

    def __init__(self, function: Callable[..., Any], more: dict[str, Any], layout: Layout, randomness: Randomness):
        self._function, self._more, self._layout, self._randomness = function, more, layout, randomness
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.training = self.needs_dx = True
        numbers = constants_of(function) | numeric_defaults(function) | vars(getattr(function, "__self__", self)) | more
        for name, value in numbers.items():
            if isinstance(value, int | float) and not hasattr(self, name):  # laws look for a slope among the attributes
                setattr(self, name, value)

    def source_of(self, method: str) -> Any:
        """The author's function."""
        return self._function

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.copy(self)

    def forward(self, x: Array) -> Array:
        """f(x), with samples as rows; of a tuple, its first entry."""
        self._randomness.reset()
        found = [by_entries(self._function, part.copy(), **self._more) for part in self._layout.split(x)]
        parts = [np.asarray(one[0] if isinstance(one, tuple) else one) for one in found]
        return np.array(self._layout.join(parts), np.float64)


def _layer_reading(name: str, values: Values, call: str, layout: Layout) -> Reading:
    def cases(seed: int) -> list[Case]:
        x = standard_input((5, 4), seed)
        return [LayerCase(name, subject_of(values), x, seed=seed, name=name, registered=False, values_only=True)]

    return Reading(f"{call}; {layout.describe}; it has no derivative", cases, ("its values",))


def _activation(name: str, function: Any, randomness: Randomness) -> Iterator[Reading]:
    """A function of x, and of a slope if it must be passed, in each layout that it takes.

    A function of one sample is called so only if its values for a batch differ.
    """
    more = {row.name: 0.3 for row in required_of(function)[1:] if SLOPE.match(row.name)}
    if len(required_of(function)) != 1 + len(more):
        return
    of_batches: list[Array] = []
    for layout in (LAYOUTS[key] for key in ("rows", "columns", "one row", "one column", "one")):
        values = Values(function, more, layout, randomness)
        try:
            y = values.forward(standard_input((5, 4), 0)) if hints().allows(layout) else np.zeros(0)
        except Exception:  # not in this layout
            continue
        if y.shape == (5, 4) and not (layout.single and any(np.allclose(y, each) for each in of_batches)):
            of_batches += [] if layout.single else [y]
            yield _layer_reading(name, values, f"{name}({', '.join(['x', *more])})", layout)


def _dropout(name: str, function: Any, randomness: Randomness) -> Iterator[Reading]:
    """A function of x and a probability, perhaps with a flag for training."""
    rows = arguments_of(function)
    needed = [row for row in required_of(function)[1:] if not mode_value(row)]
    rates = [row.name for row in needed] or [row.name for row in rows[1:] if isinstance(row.default, float)]
    if len(needed) > 1 or len(rates) != 1:
        return
    more = {rates[0]: DROP_RATE, **{row.name: mode_value(row)[0] for row in rows[1:] if mode_value(row)}}
    values = Values(function, more, LAYOUTS["rows"], randomness)
    try:
        y = values.forward(standard_input((5, 4), 0))
    except Exception:  # it takes something else
        return
    if y.shape == (5, 4):
        yield _layer_reading(name, values, f"{name}(x, {rates[0]}={DROP_RATE})", LAYOUTS["rows"])


MOMENTS = re.compile(r"^(log_?)?(var\w*|sigma\d?|std\w*)$", re.I)
"""Arguments of a divergence of normal distributions, which are not targets."""


def _loss(name: str, function: Any, randomness: Randomness) -> Iterator[Reading]:
    """A function of predictions and targets whose value is finite, in each scenario and layout that it takes."""
    names = [row.name for row in signature_of(function)]
    if len(names) != 2 or len(arguments_of(function)) > 4 or MOMENTS.search(names[1]):
        return
    readings: dict[tuple[str, float], Reading] = {}
    for roles, key, scenario in itertools.product(roles_of(names), (*BATCHES, *SINGLE, "one row"), SCENARIOS):
        code, layout = LossCode(None, function, roles, function, roles), LAYOUTS[key]
        p, t = scenario.draw(np.random.default_rng(1), 5, 3)
        if not _is_usual(name, scenario) or not _has_definition(name, p, t):
            continue
        try:
            values = np.array(AdaptedLoss(code, scenario, layout, randomness).values(p, t), np.float64)
        except Exception:  # not in this scenario
            continue
        if not is_finite(values) or values[0].size not in (1, len(p), p.size):
            continue
        for total in TOTALS if values[0].size > 1 else ("",):
            loss = AdaptedLoss(code, scenario, layout, randomness, total)
            if not (_takes_targets(loss, p, t) if layout.single else _takes_all_samples(loss, p, t)):
                continue
            known = str(scenario), round(loss.forward(p, t), 9)
            if known not in readings:  # else it is the same
                call = describe(code, name, loss).split(", then")[0]
                calls = f"{call}; {scenario}; {layout.describe}; it has no derivative"
                readings[known] = Reading(calls, partial(_loss_cases, name, loss), ("its values",))
    yield from readings.values()


def _takes_all_samples(loss: AdaptedLoss, p: Array, t: Array) -> bool:
    """Whether the last sample has a part in the loss: code for one sample may read the first of several."""
    return bool(loss.forward(np.concatenate([p[:-1], p[:1]]), np.concatenate([t[:-1], t[:1]])) != loss.forward(p, t))


def _takes_targets(loss: AdaptedLoss, p: Array, t: Array) -> bool:
    """Whether other targets give another loss, and a tiny change of targets other than labels a tiny change of it.

    Else the shapes of predictions and targets fit by chance only, such as where targets are compared with numbers.
    """
    value = loss.forward(p, t)
    if loss.scenario.targets == "labels":
        return bool(loss.forward(p, (t + 1) % p.shape[-1]) != value)
    is_smooth = abs(loss.forward(p, t + 1e-6) - value) <= 1e-3 * abs(value)
    return bool(is_smooth and loss.forward(p, np.roll(t, 1, axis=-1)) != value)


def _is_usual(name: str, scenario: Scenario) -> bool:
    """Whether the targets are of the kind that a loss of this name takes: in a special case, such as one-hot rows for
    the cosine, a wrong value may be right.
    """
    standard = standard_name(None, name, LOSSES)
    if standard in OF_NUMBERS:
        return scenario.domain == scenario.targets == "real"
    return (scenario.targets == "distributions") if standard == "kl" else scenario.targets != "real"


def _has_definition(name: str, p: Array, t: Array) -> bool:
    """Whether a variant of the loss of this name has a finite value for such predictions and targets."""
    variants = LOSSES[standard_name(None, name, LOSSES)].variants
    return any(is_finite(np.array(found)) for of in variants for found in of(Given([p], target=t)))


def _loss_cases(name: str, loss: AdaptedLoss, seed: int) -> list[Case]:
    p, t = loss.scenario.draw(np.random.default_rng((seed, 5)), 5, 3)
    return [LossCase(name, subject_of(loss), p, t, seed=seed, name=name, registered=False, values_only=True)]


Read = Callable[[str, Callable[..., Any], Randomness], Iterator[Reading]]
TABLES: tuple[tuple[Mapping[str, Any], str, Read], ...] = (
    (ACTIVATIONS, "layer", _activation),
    ({"dropout": ""}, "layer", _dropout),
    (LOSSES, "loss", _loss),
)
"""The standard names that are looked for, the kind of their laws, and how such a function is called."""
