"""The global random generators of NumPy and Python in this process, and calls of np.random.default_rng.

    start(1); f(); start(None)          f() with the global generators started from a seed, then as they were before
    watch(True); f(); watch(False)      the seeds with which f() called default_rng
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

_before: list[tuple[Any, Any]] = []
_seeds: list[Any] = []
_default_rng = np.random.default_rng


def start(seed: int | None) -> None:
    """Start the global generators from a seed; None restores the state before the first start."""
    if seed is None:
        if _before:
            numpy_state, python_state = _before.pop()
            np.random.set_state(numpy_state)
            random.setstate(python_state)
        return
    if not _before:
        _before.append((np.random.get_state(), random.getstate()))
    np.random.seed(seed)
    random.seed(seed)


def next_numbers() -> tuple[float, ...]:
    """The next numbers of the global generators."""
    return (*np.random.random(2).tolist(), random.random())


def watch(on: bool) -> list[Any]:
    """Start or stop recording the seeds of default_rng; those recorded so far."""
    found = list(_seeds)
    _seeds.clear()
    np.random.default_rng = _recording if on else _default_rng
    return found


def _recording(seed: Any = None) -> np.random.Generator:
    if seed is None or isinstance(seed, int | Sequence):
        _seeds.append(seed)
    return _default_rng(seed)
