"""Arrays: their type, whether they are finite, and a digest of their bits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def is_finite(array: Array) -> bool:
    """Whether every entry of a float array is finite.

    One dot product is nearly always enough: if an entry is nan or infinite, so is a·a. As a·a may also overflow, an
    infinite result is confirmed entry by entry.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.vdot(array, array)) or bool(np.isfinite(array).all())


def first_index(mask: Array) -> tuple[int, ...]:
    """The index of the first true entry of `mask`, in C order."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def digest(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, dtypes, shapes and bits: equal digests mean equal arrays, bit for bit."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        sha.update(f"{name} {array.dtype.str} {array.shape};".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
