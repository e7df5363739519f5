"""Initializers, schedules, metrics and batch iterators with a name and a signature that make clear what they are.

They are called through small functions with the arguments that laws use; what these can't translate is left out.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import signature_of
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.nothing import class_location, is_base_class
from nnlaw.spec.discovery.scope import Scope, required_of
from nnlaw.spec.subjects.cases import BatchesCase, Case, InitializerCase, MetricCase, ScheduleCase
from nnlaw.spec.violation import Location

INITIALIZER = re.compile(r"(^|_)(he|kaiming|xavier|glorot|lecun|orthogonal)(?=$|_|init|normal|uniform)", re.I)
SHAPE = re.compile(r"^(shape|size|dims?)$", re.I)
FANS = re.compile(r"^(fan_?(in|out)|n_?(in|out|x|y|h)|in(put)?_?\w*|out(put)?_?\w*|rows|cols)$", re.I)
RATE = re.compile(r"^(lr_?0?|lr|eta_?0?|initial_?\w*|base_?lr|learning_?rate_?0?|alpha_?0?)$", re.I)
TIME = re.compile(r"^(t|epoch|step|iteration|i|it|n|current_?\w*)$", re.I)
TOTAL = re.compile(r"^(T|t_?max|total_?\w*|max_?\w*|epochs|steps|n_?epochs|num_?\w*)$")
BATCHES = re.compile(r"batch|data_?loader|data_?iter", re.I)
HORIZON = 100


def adapt(scope: Scope) -> Iterator[Found]:
    """The functions of these kinds in the module."""
    things: dict[str, Any] = {
        **{name: kind for name, kind in scope.classes.items() if not is_base_class(kind)}, **scope.functions
    }
    for name, thing in things.items():
        for read in (_initializer, _schedule, _metric, _batches):
            try:
                with np.errstate(all="ignore"):
                    found = read(name.rpartition(".")[2], thing)
            except Exception:
                continue
            if found is not None:
                kind, standard, functions, calls = found
                location = class_location(thing) if inspect.isclass(thing) else Location.of(thing)
                readings = tuple(
                    Reading(f"{name}{calls}", partial(_cases, kind, name, standard, function), ("its values",))
                    for function in functions
                )
                yield Found(kind, name, "function", location, thing, readings)
                break


CASES: dict[str, Any] = {
    "initializer": InitializerCase, "schedule": ScheduleCase, "batches": BatchesCase, "metric": MetricCase
}
What = tuple[str, str, list[Callable[..., Any]], str]
"""A kind, a standard name, the functions to check, one of which must pass, and how the author's is called."""


def _cases(kind: str, name: str, standard: str, function: Callable[..., Any], seed: int) -> list[Case]:
    return [CASES[kind](name, function, seed=seed, name=standard, registered=False)]


def _initializer(name: str, thing: Any) -> What | None:
    """A function of fan_in and fan_out, or of a shape; also a class whose instances are such functions."""
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    match = INITIALIZER.search(low)
    if match is None:
        return None
    if inspect.isclass(thing):
        if required_of(thing) or not hasattr(thing, "__call__") or "__call__" not in vars(thing):  # noqa: B004  # of its class, not of type
            return None
        author: Any = thing()
    else:
        author = thing
    names = [row.name for row in signature_of(author)]
    by_shape = len(names) == 1 and bool(SHAPE.match(names[0]))
    if not by_shape and not (len(names) == 2 and all(FANS.match(one) for one in names)):
        return None

    def initialize(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        found = np.asarray(author(shape) if by_shape else author(fan_in, fan_out))
        return found.T if found.shape == shape[::-1] and not by_shape else found

    def of_columns(rng: np.random.Generator, shape: tuple[int, int], fan_in: int, fan_out: int) -> Array:
        np.random.seed(int(rng.integers(2**31)))
        return np.asarray(author(shape[::-1])).T

    for function in (initialize, of_columns):
        _point_to(function, author)
    standard = {"kaiming": "he", "glorot": "xavier"}.get(match[2], match[2])
    standard += "_uniform" if "uniform" in low and standard != "orthogonal" else ""
    if initialize(np.random.default_rng(0), (30, 4), 30, 4).shape != (30, 4):
        return None
    return "initializer", standard, [initialize, *([of_columns] if by_shape else [])], f"({', '.join(names)})"


def _point_to(function: Any, author: Any) -> None:
    """Locations in messages are those of the author's function."""
    code = getattr(author, "__code__", None) or getattr(type(author).__call__, "__code__", None)
    if code is not None:
        function.__code__ = function.__code__.replace(
            co_filename=code.co_filename, co_firstlineno=code.co_firstlineno
        )


def _schedule(name: str, thing: Any) -> What | None:
    """A cosine or an exponential decay: a function of the first learning rate, the time and, for a cosine, its end."""
    standard = next((one for one in ("cosine", "exponential") if one in name.lower() or f"{one[:3]}_decay" in name), "")
    names = [row.name for row in signature_of(thing)] if inspect.isfunction(thing) else []
    roles = ["total" if TOTAL.match(one) else "rate" if RATE.match(one) else "time" if TIME.match(one) else ""
             for one in names]  # fmt: skip
    if not standard or "" in roles or "time" not in roles or len(set(roles)) != len(roles) or "rate" not in roles:
        return None
    if standard == "cosine" and "total" not in roles:
        return None

    def factor(t: float) -> float:
        values = {"rate": 1.0, "time": t * HORIZON, "total": HORIZON}
        return float(thing(*(values[role] for role in roles)))

    _point_to(factor, thing)
    factor(0.5)
    return "schedule", standard, [factor], f"({', '.join(names)})"


def _has_columns(thing: Any) -> bool:
    """Whether other code of the same file takes samples as columns."""
    try:
        text = inspect.getsource(inspect.getmodule(thing) or thing)
    except (OSError, TypeError):
        return False
    return "shape[1]" in text


def _metric(name: str, thing: Any) -> What | None:
    """An accuracy of predictions and targets, which are probabilities, labels or one-hot rows."""
    if not re.search(r"^(get_|compute_|calc\w*_)?accuracy(_score)?$", name, re.I) or not inspect.isfunction(thing):
        return None
    names = [row.name for row in signature_of(thing)]
    if len(names) != 2:
        return None
    truth_first = is_target(names[0]) and not is_target(names[1])

    def call(predicted: Array, truth: Array) -> float:
        return float(thing(truth, predicted) if truth_first else thing(predicted, truth))

    def of_probabilities(p: Array, y: Array) -> float:
        return call(p, np.eye(p.shape[1])[y])

    def of_labels(p: Array, y: Array) -> float:
        return call(p.argmax(axis=1), y)

    def of_both(p: Array, y: Array) -> float:
        return call(p, y)

    def of_columns(p: Array, y: Array) -> float:
        return call(p.T, np.eye(p.shape[1])[y].T)

    found = []
    p, y = np.eye(3)[[0, 1, 2, 0, 1]] * 0.8 + 0.1, np.array([0, 1, 2, 2, 2])
    for function in (of_probabilities, of_labels, of_both, *([of_columns] if _has_columns(thing) else [])):
        try:
            value = function(p, y)
        except Exception:
            continue
        if 0 <= value <= 1:
            _point_to(function, thing)
            found.append(function)
    return ("metric", "accuracy", found, f"({', '.join(names)})") if found else None


def _batches(name: str, thing: Any) -> What | None:
    """A function or a class from x, y and the size of a batch to the batches of one epoch, in rows or columns."""
    if not BATCHES.search(name):
        return None
    rows = [row for row in inspect.signature(thing).parameters.values() if row.kind is row.POSITIONAL_OR_KEYWORD]
    names = [row.name for row in rows]
    if len(rows) < 3 or not names[0].lower().startswith(("x", "data", "input", "images")) or not is_target(names[1]):
        return None
    size = next((one for one in names[2:] if re.search("size|^n$|^bs$|batch", one, re.I)), "")
    if not size or any(row.default is row.empty for row in rows[2:] if row.name != size):
        return None
    if inspect.isclass(thing) and not hasattr(thing, "__iter__"):
        return None

    def make(columns: bool) -> Callable[..., Any]:
        def batches(x: Array, y: Array, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
            np.random.seed(int(rng.integers(2**31)))
            given = (x.T, y[None]) if columns else (x, y)
            for one, labels in thing(*given, **{size: batch_size}):
                yield (one.T, labels[0]) if columns else (one, labels)

        _point_to(batches, thing if inspect.isfunction(thing) else thing.__iter__)
        return batches

    found = []
    x, y = np.arange(50.0).reshape(10, 5), np.arange(10)
    for columns in (False, True):
        function = make(columns)
        try:
            parts = list(function(x, y, 3, np.random.default_rng(0)))
        except Exception:
            continue
        if parts and all(one.shape[1:] == (5,) and len(one) == len(labels) for one, labels in parts):
            found.append(function)
    return ("batches", "", found, f"({', '.join(names)})") if found else None
