"""Anyone's plugin, as a record, and as the cases in which its laws are judged.

    cases(Record("layer", "swish", Swish), seed=0)      [LayerCase("swish", <built>, x (5, 4)), ...]

A class is constructed from its `examples = [{...}, ...]`, else required integers get small numbers and the rest its
defaults. Layers are built on a small shape that fits their contract, with sizes that differ, so that a transposed
product shows; x is drawn within the claimed domain. What cannot be told from the plugin is asked for in one sentence.
"""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlaw.spec.contracts.claims import claim, interval
from nnlaw.spec.contracts.shapes import Contract, concrete
from nnlaw.spec.discovery.input_search import layer_cases
from nnlaw.spec.discovery.unit import METHODS, Unit, all_settings, construct, path_of, sort_of
from nnlaw.spec.subjects.cases import (
    ArrayCase,
    BatchesCase,
    Case,
    InitializerCase,
    LossCase,
    MetricCase,
    ModelCase,
    OptimizerCase,
    ScheduleCase,
)
from nnlaw.spec.subjects.sampling import draw
from nnlaw.spec.violation import BadInput


def cases(record: Unit, seed: int = 0) -> list[Case]:
    """The cases in which the laws of its kind judge `record`, drawn from `seed`.

    Raises BadInput, one sentence, where the plugin is not of its kind or does not tell how to use it.
    """
    _of_its_kind(record)
    found: list[Case] = []
    for settings in all_settings(record):
        shape = settings.pop("input_shape", None)
        found += _CASES[record.kind](record, settings, shape, seed)
    return found


def _of_its_kind(record: Unit) -> None:
    thing, wanted = record.thing, METHODS.get(record.kind, ())
    if record.kind not in _CASES:
        raise BadInput(f"{record.label}: no such kind of plugin; known: {', '.join(_CASES)}")
    if not wanted:
        if inspect.isclass(thing) or not callable(thing):
            raise BadInput(f"{record.label}: found a {sort_of(thing)}, expected a function")
        return
    if inspect.isroutine(thing):
        raise BadInput(f"{record.label}: found a function, expected a class with {' and '.join(wanted)}")
    for method in wanted:
        if not callable(getattr(thing, method, None)):
            raise BadInput(f"{record.label}: {sort_of(thing)} has no method {method}, which every {record.kind} has")


LOSS_SIZES = ((5, 3), (4, 4))  # (N, C): the second so that a mix-up of the two has nowhere to hide


def _loss_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    loss, path = construct(record, settings), path_of(record, settings)
    sizes = LOSS_SIZES if shape is None else ((5, *shape),)
    return [LossCase(path, loss, *_compared(loss, size, seed), seed=seed, name=record.name) for size in sizes]


def _compared(loss: Any, size: tuple[int, ...], seed: int) -> tuple[Any, Any]:
    """A prediction within the claimed domain, and a target as `targets` claims."""
    rng, targets, bounds = np.random.default_rng(seed), claim(loss, "targets"), interval(loss)
    prediction = draw(rng, size, bounds)
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
    if claim(loss, "domain") == "logits":  # soft labels
        e = np.exp(rng.standard_normal(size))
        return prediction, (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)
    return prediction, draw(rng, size, bounds)


def _optimizer_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    construct(record, settings)
    return [OptimizerCase(path_of(record, settings), lambda: record.make(settings), seed=seed, name=record.name)]


def _function_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    make = FUNCTIONS[record.kind]
    return [make(path_of(record, settings), record.thing, settings, seed=seed, name=record.name)]


MODEL_SIZES = ((14, 3), (14, 10))  # 12 samples in 14 dimensions: even an affine map can tell them apart; ten are digits


def _model_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    if not inspect.isclass(record.thing):
        raise BadInput(f"{record.label}: found an instance, expected the class, which every probe builds anew")
    path, rest = path_of(record, settings), dict(settings)
    sizes = [(rest.pop("n_in", n_in), rest.pop("n_out", n_out)) for n_in, n_out in MODEL_SIZES]
    refusals: list[Exception] = []
    for n_in, n_out in dict.fromkeys(sizes[:1] if "n_in" in settings else sizes):
        def make(rng: np.random.Generator, n_in: int = n_in, n_out: int = n_out) -> Any:
            return record.thing(n_in, n_out, rng, **rest)

        try:
            model = make(np.random.default_rng(seed))
            copy.deepcopy(model)
        except Exception as error:
            refusals.append(error)
            continue
        if not hasattr(model, "params"):
            raise BadInput(f"{record.label}: it has no params, a dict of its arrays")
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((12, n_in)).astype(np.float32)
        labels = rng.permutation(np.arange(12) % n_out)
        return [ModelCase(path, model, make, x, labels, seed=seed)]
    raise BadInput(
        f"{record.label}: {type(refusals[0]).__name__} when built for {sizes[0][0]} inputs and {sizes[0][1]} classes: "
        f"{refusals[0]}"
    ) from refusals[0]


def _array_cases(record: Unit, settings: dict[str, Any], shape: Any, seed: int) -> list[Case]:
    declaration = record.declaration
    if declaration is None:
        raise BadInput(f'{record.label}: put @obeys("N C -> N C") above it, or pass contract=')
    return [ArrayCase(record.name, record.thing, _inputs(record, declaration.contract, seed), declaration, seed=seed)]


def _inputs(record: Unit, contract: Contract, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    dims: dict[str, Any] = {"N": 5, "...": (4,)}
    sizes = itertools.count(6, 2)  # never alike, and unlike those above
    for name in dict.fromkeys(name for side in contract.inputs for name in side):
        if name.isidentifier() and name not in dims:
            dims[name] = next(sizes)
    return [draw(rng, concrete(side, dims) or (), interval(record.thing)) for side in contract.inputs]


FUNCTIONS: dict[str, Any] = {
    "initializer": InitializerCase, "schedule": ScheduleCase, "batches": BatchesCase, "metric": MetricCase
}
_CASES: dict[str, Callable[[Unit, dict[str, Any], Any, int], list[Case]]] = {
    "layer": layer_cases,
    "loss": _loss_cases,
    "optimizer": _optimizer_cases,
    "model": _model_cases,
    "function": _array_cases,
    **dict.fromkeys(FUNCTIONS, _function_cases),
}
