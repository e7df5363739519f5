"""Batch iterators: functions and classes from x, y and the size of a batch to the batches of one epoch."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapters.losses import is_target
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope

BATCHES = re.compile(r"batch|data_?loader|data_?iter", re.I)
SAMPLES = 10


def adapt(scope: Scope) -> Iterator[Found]:
    """The batch iterators of the module."""
    yield from found_functions(scope, _read)


def _read(name: str, thing: Any) -> FunctionUnit | None:
    """A function or a class of x, y and the size of a batch, in rows or columns, without and with shuffling."""
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
    flags = [{}, *({row.name: not row.default} for row in rows[2:] if row.name == "shuffle")]
    readings = [[_batches(thing, size, columns, flag) for flag in flags] for columns in (False, True)]
    readings = [functions for functions in readings if all(map(_yields_pairs, functions))]
    return FunctionUnit("batches", "", readings, f"({', '.join(names)})") if readings else None


def _batches(thing: Any, size: str, columns: bool, flag: dict[str, bool]) -> Function:
    """The protocol of a batch iterator, in which samples are rows."""

    def start(x: Array, y: Array, batch_size: int) -> Any:
        return thing(*((x.T, y[None]) if columns else (x, y)), **{size: batch_size}, **flag)

    def batches(x: Array, y: Array, batch_size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
        np.random.seed(int(rng.integers(2**31)))
        for one, labels in start(x, y, batch_size):
            yield (one.T, labels[0]) if columns else (one, labels)

    point_to(batches, thing if inspect.isfunction(thing) else thing.__iter__)
    if inspect.isclass(thing) and hasattr(thing, "__len__"):
        x = np.zeros((SAMPLES, 2))
        batches.counts_last = len(start(x, np.arange(SAMPLES), 3)) == 4  # type: ignore[attr-defined]  # declared to the laws
    return batches


def _yields_pairs(batches: Function) -> bool:
    """Whether the first batches are pairs of arrays of one length."""
    x, y = np.arange(5.0 * SAMPLES).reshape(SAMPLES, 5), np.arange(SAMPLES)
    try:
        parts = list(batches(x, y, 3, np.random.default_rng(0)))
    except Exception:
        return False
    return bool(parts) and all(one.shape[1:] == (5,) and len(one) == len(labels) for one, labels in parts)
