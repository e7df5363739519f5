"""np.lib.stride_tricks.as_strided that raises for a view beyond the memory of its array.

    check_strided_views()       in the process of the code under test, before that is imported

Such a view reads memory of other objects, and may crash the interpreter. In changed code, which is tried for a cause,
it would be reported as a crash of the author's.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib import stride_tricks

from nnlaw.spec.arrays import Array


def check_strided_views() -> None:
    """Replace as_strided for all code that is imported later, and for that which looks it up in each call."""
    original = stride_tricks.as_strided

    @functools.wraps(original)
    def as_strided(x: Any, *args: Any, **settings: Any) -> Array:
        owner = x = np.asanyarray(x)
        view = original(x, *args, **settings)
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        low, high = _bounds(view)
        first, end = _bounds(owner)
        if owner.base is None and view.size and (low < first or high > end):
            raise ValueError(f"as_strided: a view of shape {view.shape} reads beyond the memory of its array")
        return view

    stride_tricks.as_strided = as_strided


def _bounds(array: Array) -> tuple[int, int]:
    """The first address of an array, and the one after its last."""
    steps = [(size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True)]
    start = int(array.__array_interface__["data"][0])
    return start + sum(min(0, step) for step in steps), start + sum(max(0, step) for step in steps) + array.itemsize
