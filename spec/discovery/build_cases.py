"""Build the cases in which a unit's laws check it.

    cases(Unit("layer", "swish", Swish), seed=0)      [LayerCase("swish", <built>, x (5, 4)), ...]

A class is constructed from its `examples = [{...}, ...]`, else with small numbers for required integers and its own
defaults. Layers are built for a small input shape that fits their contract, with sizes that differ from each other, so
that a transposed product is found; inputs are sampled inside the declared domain.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from nnlaw.spec.arrays import is_finite
from nnlaw.spec.contracts.declared import declared_value, domain_of
from nnlaw.spec.contracts.shapes import Contract, bind, concrete, resolve
from nnlaw.spec.discovery.input_search import layer_cases
from nnlaw.spec.law import AT_ANY_SETTING
from nnlaw.spec.subjects.cases import (
    ArrayCase,
    BatchesCase,
    Case,
    InitializerCase,
    LayerCase,
    LossCase,
    MetricCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
    UtilityCase,
)
from nnlaw.spec.subjects.recipe import Recipe
from nnlaw.spec.subjects.sampling import sample
from nnlaw.spec.subjects.settings import all_settings, construct, display_name, other_settings
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.subjects.unit import METHODS, Unit
from nnlaw.spec.violation import BadInput


def cases(unit: Unit, seed: int = 0) -> list[Case]:
    """The cases in which the laws of its kind check `unit`; all random numbers depend on `seed`.

    Raises BadInput if the unit is not of its kind, or if its settings or inputs can't be inferred.
    """
    _check_kind(unit)
    found: list[Case] = []
    for i, settings in enumerate(all_settings(unit)):
        found += _built(unit, settings, seed)
        if i == 0 and unit.subject.form == "class" and unit.kind in AT_ANY_SETTING and not unit.options:
            found += _second_cases(unit, settings, seed)
    return found


def _built(unit: Unit, settings: dict[str, Any], seed: int) -> list[Case]:
    rest = dict(settings)
    shape = rest.pop("input_shape", None)
    found = _BUILDERS[unit.kind](unit, rest, shape, seed)
    return [replace(case, recipe=_recipe(unit, rest, case)) for case in found]


def _recipe(unit: Unit, settings: dict[str, Any], case: Case) -> Recipe | None:
    """How a script calls a registered layer or loss."""
    name = unit.subject.type_name
    if unit.subject.form != "class" or not name.isidentifier():
        return None
    make = f"{name}({', '.join(f'{key}={value!r}' for key, value in settings.items())})"
    if isinstance(case, LossCase):
        return Recipe((name,), make, "unit.forward(x, target)", "unit.backward()", {"x": "returned"})
    if not isinstance(case, LayerCase):
        return None
    prepare = [f"unit.build({case.x.shape[1:]}, np.random.default_rng(0))"] if case.layer.has("build") else []
    prepare += ["unit.training = unit.needs_dx = True", "unit.grads = {}"]
    gradients = {"x": "returned"} | {key: f"unit.grads[{key!r}]" for key in case.layer.params}
    places = {key: f"unit.params[{key!r}]" for key in case.layer.params}
    return Recipe((name,), make, "unit.forward(x)", "unit.backward(dy)", gradients, places, prepare=tuple(prepare))


def _second_cases(unit: Unit, settings: dict[str, Any], seed: int) -> list[Case]:
    """The first case at second values of its settings that can be built and called, if there is one."""
    for other, moved in other_settings(unit, settings):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            (case, *_) = _built(unit, other, seed)
            if _is_usable(case):
                return [replace(case, is_second=True, moved=moved)]
    return []


def _is_usable(case: Case) -> bool:
    """Whether a case at settings that its author did not try computes finite numbers of the declared shape."""
    if isinstance(case, LayerCase):
        y = case.fresh(True).forward(case.x.copy())
        declaration = case.layer.declaration
        if declaration is not None:
            dims = bind(declaration.contract.inputs[0], case.x.shape, resolve(declaration.contract, case.layer))
            bind(declaration.contract.outputs[0], np.shape(y), dims)  # raises if it is of another shape
        return is_finite(y)
    if isinstance(case, LossCase):
        return is_finite(case.fresh().forward(case.prediction.copy(), case.target))
    return True


def _check_kind(unit: Unit) -> None:
    subject, methods = unit.subject, METHODS.get(unit.kind, ())
    if unit.kind not in _BUILDERS:
        raise BadInput(f"{unit.label}: unknown kind {unit.kind!r}; known: {', '.join(_BUILDERS)}")
    if not methods:
        if subject.form == "class" or not (subject.form == "function" or subject.has("__call__")):
            raise BadInput(f"{unit.label}: found a {_describe_type(subject)}, expected a function")
        return
    if subject.form == "function":
        raise BadInput(f"{unit.label}: found a function, expected a class with {' and '.join(methods)}")
    for method in methods:
        if not subject.has(method):
            raise BadInput(f"{unit.label}: {_describe_type(subject)} has no method {method}, which a {unit.kind} needs")


def _describe_type(subject: Subject) -> str:
    return f"class {subject.type_name}" if subject.form == "class" else subject.type_name


LOSS_SIZES = ((5, 3), (4, 4))  # (N, C); the second is square: no error of broadcasting can reveal swapped axes


def _loss_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    loss, path = construct(unit, settings), display_name(unit, settings)
    sizes = LOSS_SIZES if shape is None else ((5, *shape),)
    return [LossCase(path, loss, *_loss_inputs(loss, size, seed), seed=seed, name=unit.name) for size in sizes]


def _loss_inputs(loss: Any, size: tuple[int, ...], seed: int) -> tuple[Any, Any]:
    """A prediction inside the declared domain, and a target as `targets` declares."""
    rng, targets, bounds = np.random.default_rng(seed), declared_value(loss, "targets"), domain_of(loss)
    prediction = sample(rng, size, bounds)
    classes = size[-1]
    labels = rng.permutation(np.arange(size[0]) % classes)
    if targets == "labels" and bounds is not None and bounds[0] >= 0 and bounds[1] <= 1:  # rows of probabilities
        e = np.exp(rng.standard_normal(size))
        prediction = np.clip(e / e.sum(axis=-1, keepdims=True), *bounds).astype(np.float32)
    if targets == "labels":
        return prediction, labels
    if targets == "binary":
        return prediction, np.eye(classes, dtype=np.float32)[labels] if len(size) == 2 else rng.integers(
            0, 2, size
        ).astype(np.float32)
    if declared_value(loss, "domain") == "logits":  # soft labels
        e = np.exp(rng.standard_normal(size))
        return prediction, (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)
    return prediction, sample(rng, size, bounds)


def _optimizer_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    construct(unit, settings)
    return [OptimizerCase(display_name(unit, settings), lambda: unit.make(settings), seed=seed, name=unit.name)]


def _function_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    make = FUNCTION_CASES[unit.kind]
    return [make(display_name(unit, settings), unit.subject, settings, seed=seed, name=unit.name)]


MODEL_SIZES = ((14, 3), (14, 10))  # (n_in, n_out): an affine map separates 12 samples in 14 dimensions; 10 digits


def _model_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    if unit.subject.form != "class":
        raise BadInput(f"{unit.label}: found an instance, expected the class, which each law constructs again")
    path, rest = display_name(unit, settings), dict(settings)
    sizes = [(rest.pop("n_in", n_in), rest.pop("n_out", n_out)) for n_in, n_out in MODEL_SIZES]
    errors: list[Exception] = []
    for n_in, n_out in dict.fromkeys(sizes[:1] if "n_in" in settings else sizes):
        def make(rng: np.random.Generator, n_in: int = n_in, n_out: int = n_out) -> Any:
            return unit.subject.create(rest, (n_in, n_out, rng))

        try:
            model = make(np.random.default_rng(seed))
            model.copy()
        except Exception as error:
            errors.append(error)
            continue
        if model.attribute("params") is None:
            raise BadInput(f"{unit.label}: has no params, a dict of its arrays")
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((12, n_in)).astype(np.float32)
        labels = rng.permutation(np.arange(12) % n_out)
        return [ModelCase(path, model, make, x, labels, seed=seed)]
    raise BadInput(
        f"{unit.label}: {type(errors[0]).__name__} when built for {sizes[0][0]} inputs and {sizes[0][1]} classes: "
        f"{errors[0]}"
    ) from errors[0]


def _array_cases(unit: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    declaration = unit.declaration
    if declaration is None:
        raise BadInput(f'{unit.label}: put @obeys("N C -> N C") above it, or pass contract=')
    return [ArrayCase(unit.name, unit.subject, _inputs(unit, declaration.contract, seed), declaration, seed=seed)]


def _inputs(unit: Unit, contract: Contract, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    dims: dict[str, Any] = {"N": 5, "...": (4,)}
    sizes = itertools.count(6, 2)  # different from each other and from those above
    for name in dict.fromkeys(name for side in contract.inputs for name in side):
        if name.isidentifier() and name not in dims:
            dims[name] = next(sizes)
    return [sample(rng, concrete(side, dims) or (), domain_of(unit.subject)) for side in contract.inputs]


FUNCTION_CASES: dict[str, Any] = {
    "initializer": InitializerCase, "schedule": ScheduleCase, "batches": BatchesCase, "metric": MetricCase,
    "utility": UtilityCase,
}
_BUILDERS: dict[str, Callable[[Unit, dict[str, Any], Any, int], list[Case]]] = {
    "layer": layer_cases,
    "loss": _loss_cases,
    "optimizer": _optimizer_cases,
    "model": _model_cases,
    "function": _array_cases,
    **dict.fromkeys(FUNCTION_CASES, _function_cases),
}
