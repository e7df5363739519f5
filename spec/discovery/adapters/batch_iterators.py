"""Batch iterators: functions and classes from x, y and the size of a batch to the batches of one epoch."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of

BATCHES = re.compile(r"batch|data_?loader|data_?iter", re.I)
SAMPLES = 10
SIZE = re.compile("size|^n$|^bs$|batch", re.I)
SEED = re.compile("^(random_?)?(seed|state)$|^rng$|^generator$", re.I)
STEP = re.compile("^(get_?)?(next_?(mini_?)?batch|next|__next__|batch)$", re.I)
MORE = re.compile("^has_?(next|more)\\w*$", re.I)
RESET = re.compile("^(reset|on_?epoch_?end|restart|rewind)$", re.I)


def adapt(scope: Scope) -> Iterator[Found]:
    """The batch iterators of the module."""
    yield from found_functions(scope, _read)


def _read(name: str, thing: Any) -> FunctionUnit | None:
    """A function or a class of x, y and the size of a batch, in rows or columns, without and with shuffling.

    Of a class, the second epoch of an instance is checked as well.
    """
    if not BATCHES.search(name):
        return None
    rows = [row for row in inspect.signature(thing).parameters.values() if row.kind is row.POSITIONAL_OR_KEYWORD]
    names = [row.name for row in rows]
    if len(rows) < 2 or not names[0].lower().startswith(("x", "data", "input", "images")) or not is_target(names[1]):
        return None
    is_class = inspect.isclass(thing)
    step = _step_method(thing) if is_class else ""
    of_step = arguments_of(getattr(thing, step), bound=True) if step else []
    size = next((one for one in names[2:] if SIZE.search(one)), "")
    if not size and not any(SIZE.search(row.name) for row in of_step):
        return None
    if any(row.default is row.empty for row in rows[2:] if row.name != size and not SEED.match(row.name)):
        return None
    if is_class and not hasattr(thing, "__iter__") and not step:
        return None
    seed = next((one for one in names[2:] if SEED.match(one)), "")
    flags = [{}, *({row.name: not row.default} for row in rows[2:] if row.name == "shuffle")]
    epochs = (0, 1) if is_class else (0,)
    readings = [
        [_batches(thing, (size, seed, step), columns, flag, epoch) for flag in flags for epoch in epochs]
        for columns in (False, True)
    ]
    readings = [functions for functions in readings if _yields_pairs(functions[0])]
    return FunctionUnit("batches", "", readings, f"({', '.join(names)})") if readings else None


def _step_method(kind: type) -> str:
    """The method that returns the next batch, of a class that is not iterated over; "" if there is none."""
    names = [name for name in dir(kind) if STEP.match(name) and inspect.isfunction(inspect.getattr_static(kind, name))]
    return "" if hasattr(kind, "__iter__") or not names else names[0]


def _batches(
    thing: Any, names: tuple[str, str, str], columns: bool, flag: dict[str, bool], earlier: int
) -> Function:
    """The protocol of a batch iterator, in which samples are rows; after `earlier` epochs of the same instance.

    `names` are those of the size of a batch, of a seed and of the method that returns the next batch.
    """
    size, seed, step = names

    def start(x: Array, y: Array, batch_size: int, number: int) -> Any:
        named = {**({size: batch_size} if size else {}), **({seed: seed_of(seed, number)} if seed else {})}
        return thing(*((x.T, y[None]) if columns else (x, y)), **named, **flag)

    def batches(x: Array, y: Array, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
        number = int(rng.integers(2**31))
        np.random.seed(number)
        loader = start(x, y, batch_size, number)
        for _ in range(earlier):
            for _ in zip(_epoch(loader, step, batch_size), range(4 * len(y)), strict=False):
                pass
            _reset(loader)
        for one, labels in _epoch(loader, step, batch_size):
            yield (one.T, labels[0]) if columns else (one, labels)

    method = thing if inspect.isfunction(thing) else getattr(thing, step or "__iter__")
    point_to(batches, method)
    if inspect.isclass(thing) and hasattr(thing, "__len__"):
        with contextlib.suppress(Exception):
            loader = start(np.zeros((SAMPLES, 2)), np.arange(SAMPLES), 3, 0)
            batches.counts_last = len(loader) == 4  # type: ignore[attr-defined]  # declared to the laws
    return batches


def seed_of(name: str, number: int) -> Any:
    """A seed, or a generator for an argument that is one by its name."""
    return np.random.default_rng(number) if re.search("rng|generator", name) else number


def _epoch(loader: Any, step: str, batch_size: int) -> Iterator[Any]:
    """The batches of one epoch: those of an iteration or, with `step`, of calls until there are no more."""
    if not step:
        yield from loader
        return
    method = getattr(loader, step)
    arguments = [batch_size for row in arguments_of(method) if SIZE.search(row.name)]
    more = next((getattr(loader, name) for name in dir(loader) if MORE.match(name)), None)
    while more is None or (more() if callable(more) else more):
        try:
            batch = method(*arguments)
        except (StopIteration, IndexError):
            return
        if batch is None:
            return
        yield batch


def _reset(loader: Any) -> None:
    """Start the next epoch, if that takes a call of its own."""
    for name in dir(loader):
        if RESET.match(name) and callable(getattr(loader, name)) and not required_of(getattr(loader, name)):
            getattr(loader, name)()


def _yields_pairs(batches: Function) -> bool:
    """Whether the first batches are pairs of arrays of one length."""
    x, y = np.arange(5.0 * SAMPLES).reshape(SAMPLES, 5), np.arange(SAMPLES)
    try:
        parts = list(itertools.islice(batches(x, y, 3, np.random.default_rng(0)), 4 * SAMPLES))
    except Exception:
        return False
    fit = all(one.shape[1:] == (5,) and len(one) == len(labels) for one, labels in parts)
    return fit and 0 < len(parts) < 4 * SAMPLES
