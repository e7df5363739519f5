"""Activations and losses without a derivative: their values are compared with the definition of their name.

    def sigmoid(x)      class MSE: __call__(prediction, target)      cross_entropy(y_true, y_pred)

A function that has a derivative in its module, which could not be called, is not checked.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import TOTALS, signature_of
from nnlaw.spec.discovery.adapters.losses import LOSS_WORDS, is_target, roles_of
from nnlaw.spec.discovery.calls import Randomness, constructions, standard_input
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.name_pairs import is_derivative_name
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scenarios import Scenario
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.subjects.cases import Case, LayerCase, LossCase
from nnlaw.spec.subjects.hyperparameters import numeric_defaults
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import Location

ACTIVATIONS = {
    **{name: name for name in ("relu", "leaky_relu", "elu", "selu", "gelu", "swish", "mish", "sigmoid", "tanh",
                               "softplus", "softsign", "relu6", "softmax", "log_softmax")},
    "silu": "swish", "logistic": "sigmoid", "lrelu": "leaky_relu", "leakyrelu": "leaky_relu",
    "logsoftmax": "log_softmax",
}  # fmt: skip
LOSSES = {
    "mse": "mse", "mean_squared_error": "mse", "mean_square_error": "mse", "rmse": "rmse",
    "root_mean_squared_error": "rmse", "mae": "mae", "mean_absolute_error": "mae", "huber": "huber",
    "cross_entropy": "nll", "crossentropy": "nll", "categorical_cross_entropy": "nll",
    "categorical_crossentropy": "nll", "cce": "nll", "sparse_categorical_crossentropy": "nll",
    "nll": "nll", "binary_cross_entropy": "binary_cross_entropy", "binary_crossentropy": "binary_cross_entropy",
    "bce": "binary_cross_entropy", "softmax_cross_entropy": "softmax_cross_entropy",
    "cross_entropy_with_logits": "softmax_cross_entropy", "softmax_cross_entropy_with_logits": "softmax_cross_entropy",
}  # fmt: skip
AFFIX = re.compile(r"^(get|compute|calc|calculate|my|np|numpy|basic|stable)_|_(loss|cost|error|fn|func|function|"
                   r"activation|forward)$")  # fmt: skip
SLOPE = re.compile(r"^(alpha|slope|negative_slope|leak|a|beta)$")
METHODS = ("__call__", "forward", "loss", "compute", "calculate", "call", "apply", "activate", "activation")
MAX_READINGS = 8
UNKNOWN = "it computes no gradient, and its name is not that of a standard loss"


def adapt(scope: Scope) -> Iterator[Found]:
    """The activations and losses of the module that compute no gradient."""
    for name, thing in [*scope.classes.items(), *scope.functions.items()]:
        low = standard_of(name.rpartition(".")[2])
        standard = ACTIVATIONS.get(low) or LOSSES.get(low)
        if not standard and not inspect.isclass(thing) and LOSS_WORDS.search(name) and _looks_like("loss", thing):
            yield Found("", name, "", Location.of(thing), thing, reason=UNKNOWN)
        if not standard:
            continue
        function = _only_method(thing, scope) if inspect.isclass(thing) else thing
        if function is None:
            continue
        kind = "layer" if low in ACTIVATIONS else "loss"
        location = class_location(thing) if inspect.isclass(thing) else Location.of(thing)
        others = [other for other in scope.everything if is_derivative_name(other, name)]
        if others:
            reason = f"its derivative {others[0]} could not be called"
            yield Found(kind, name, "", location, thing, reason=reason)
            continue
        read = _activation if kind == "layer" else _loss
        with np.errstate(all="ignore"):
            readings = list(read(name, standard, function, scope))
        reason = "" if readings else "found no arguments that it takes"
        if readings or _looks_like(kind, function):
            yield Found(kind, name, f"{kind} without a derivative", location, thing, tuple(readings), reason)


def _looks_like(kind: str, function: Any) -> bool:
    names = [row.name for row in signature_of(function)]
    return len(names) == 1 if kind == "layer" else len(names) == 2 and any(map(is_target, names))


def standard_of(name: str) -> str:
    """A name in lower case with underscores, without words such as compute and loss."""
    low = re.sub(r"([a-z0-9])([A-Z][a-z])", r"\1_\2", name).lower().strip("_").replace("__", "_")
    found = AFFIX.sub("", AFFIX.sub("", low))
    squeezed = {key.replace("_", ""): key for key in (*ACTIVATIONS, *LOSSES)}
    return low if low in ACTIVATIONS or low in LOSSES else squeezed.get(found.replace("_", ""), found)


def _only_method(kind: type, scope: Scope) -> Any:
    """The method of an instance of a class that has no other one; else None."""
    methods = [name for name, value in vars(kind).items() if inspect.isfunction(value)
               and (name == "__call__" or not name.startswith("_"))]  # fmt: skip
    if len(methods) != 1 or methods[0] not in METHODS or is_base_class(kind) or kind.__bases__ != (object,):
        return None
    made = next(constructions(kind, scope, limit=1), None)
    return None if made is None else getattr(made.instance, methods[0])


class Values:
    """A function of x behind the protocol of a layer, without a backward."""

    def __init__(self, function: Callable[..., Any], more: dict[str, Any], layout: Layout, randomness: Randomness):
        self._function, self._more, self._layout, self._randomness = function, more, layout, randomness
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.training = self.needs_dx = True
        for name, value in {**numeric_defaults(function), **vars(getattr(function, "__self__", self)), **more}.items():
            if isinstance(value, int | float) and not hasattr(self, name):  # laws look for a slope among the attributes
                setattr(self, name, value)

    def source_of(self, method: str) -> Any:
        """The author's function."""
        return self._function

    def __deepcopy__(self, memo: dict[int, Any]) -> Values:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def forward(self, x: Array) -> Array:
        """f(x), with samples as rows."""
        self._randomness.reset()
        parts = [np.asarray(self._function(part.copy(), **self._more)) for part in self._layout.split(x)]
        return np.array(self._layout.join(parts), np.float64)


def _activation(name: str, standard: str, function: Any, scope: Scope) -> Iterator[Reading]:
    more = {row.name: 0.3 for row in required_of(function)[1:] if SLOPE.match(row.name)}
    if len(required_of(function)) != 1 + len(more):
        return
    for layout in ("rows", "columns", "one row", "one column", "one"):
        values = Values(function, more, LAYOUTS[layout], Randomness.of(scope.module))
        try:
            y = values.forward(standard_input((5, 4), 0))
        except Exception:
            continue
        if y.shape != (5, 4):
            continue
        calls = f"{name}({', '.join(['x', *more])}); {LAYOUTS[layout].describe}; it has no derivative"
        yield Reading(calls, partial(_layer_case, name, standard, values), ("its values",))


def _layer_case(name: str, standard: str, values: Values, seed: int) -> list[Case]:
    x = standard_input((5, 4), seed)
    return [LayerCase(name, subject_of(values), x, seed=seed, name=standard, registered=False, values_only=True)]


@dataclass
class ValueLoss:
    """A loss behind the protocol, without a gradient; targets as the definition of its name has them."""

    function: Callable[..., Any]
    roles: Sequence[str]
    layout: Layout
    form: str
    domain: tuple[float, float] | None = None
    total: str = ""
    per_output: bool = False
    """Whether it is divided by the number of outputs, too."""
    power: int = 1

    def source_of(self, method: str) -> Any:
        """The author's function."""
        return self.function

    def __deepcopy__(self, memo: dict[int, Any]) -> ValueLoss:
        return self

    def forward(self, prediction: Array, target: Array) -> float:
        """The loss."""
        if self.form == "one-hot":
            target = np.eye(prediction.shape[1])[target]
        values = [
            self.function(*({"p": p, "t": t}[role].copy() for role in self.roles))
            for p, t in zip(self.layout.split(prediction), self.layout.split(target), strict=True)
        ]
        parts = [np.asarray(value, np.float64) for value in values]
        found = np.mean(parts) if self.layout.single else TOTALS[self.total](parts[0])
        return (prediction.shape[1] if self.per_output else 1) * float(found) ** self.power


def _loss(name: str, standard: str, function: Any, scope: Scope) -> Iterator[Reading]:
    """The reading that agrees with the definition; without one, those whose values are finite."""
    names = [row.name for row in signature_of(function)]
    if len(names) != 2 or len(arguments_of(function)) > 4:
        return
    readings: dict[tuple[str, float], Reading] = {}
    for loss, known in _trials(standard, function, names):
        try:
            value = loss.forward(*SCENARIO[known].draw(np.random.default_rng(1), 5, 3))
        except Exception:
            continue
        if np.isfinite(value) and (known, round(value, 9)) not in readings:  # else it is the same
            calls = f"{name}({', '.join({'p': 'prediction', 't': 'target'}[role] for role in loss.roles)})"
            calls = f"{calls}; {SCENARIO[known]}; {loss.layout.describe}; it has no derivative"
            notes = ("convention: it is divided by the number of outputs, too",) if loss.per_output else ()
            cases = partial(_loss_case, name, known, loss)
            readings[known, round(value, 9)] = Reading(calls, cases, ("its values",), notes=notes)
    yield from list(readings.values())[:MAX_READINGS]


SCENARIO = {
    "mse": Scenario("real", "real"), "mae": Scenario("real", "real"), "huber": Scenario("real", "real"),
    "nll": Scenario("rows", "labels"), "binary_cross_entropy": Scenario("entries", "binary"),
    "softmax_cross_entropy": Scenario("real", "labels"),
}  # fmt: skip
"""The predictions and targets of each definition."""


def _trials(standard: str, function: Any, names: list[str]) -> Iterator[tuple[ValueLoss, str]]:
    """Ways to call a loss, each with the name of a definition: a cross-entropy may take logits."""
    power = 2 if standard == "rmse" else 1
    first = {"rmse": "mse"}.get(standard, standard)
    for known in (first, *(("softmax_cross_entropy",) if first == "nll" else ())):
        forms = ("one-hot", "labels") if SCENARIO[known].targets == "labels" else ("",)
        domain = None if SCENARIO[known].domain == "real" else (0.0, 1.0)
        for layout in (LAYOUTS[row] for row in ("rows", "columns", "one", "one column")):
            totals = ("",) if layout.single else tuple(TOTALS)[1:]
            for form, roles, total in itertools.product(forms, roles_of(names), totals):
                for per_output in (False, True) if first == "nll" else (False,):
                    yield ValueLoss(function, roles, layout, form, domain, total, per_output, power), known


def _loss_case(name: str, standard: str, loss: ValueLoss, seed: int) -> list[Case]:
    p, t = SCENARIO[standard].draw(np.random.default_rng((seed, 5)), 5, 3)
    return [LossCase(name, subject_of(loss), p, t, seed=seed, name=standard, registered=False, values_only=True)]
