"""The user's cache folder: what takes seconds to make is made once, and made again where it was damaged."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from nnlaw.nn.core.atomic_write import replaced

Bytes = NDArray[np.uint8]
DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def kept(
    name: str, shapes: dict[str, tuple[int, ...]], make: Callable[[], dict[str, Bytes]]
) -> dict[str, Bytes]:
    """The arrays of bytes under `name` in the cache folder, of these shapes, or else as `make` makes them, then kept.

    Never raises for the cache's sake: a damaged file, of which the checksums of the zip tell, is made anew; where
    nothing can be written nothing is kept. A file is written whole or not at all.
    """
    path = Path(platformdirs.user_cache_dir("nnlaw", appauthor=False)) / f"{name}.npz"
    found = _read(path, shapes)
    if found is None:
        found = make()
        _write(path, found)
    return found


def _read(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Bytes] | None:
    try:
        if not path.is_file():  # a pipe would wait for ever
            return None
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in shapes}
    except DAMAGE:
        return None
    right = all(array.dtype == np.uint8 and array.shape == shapes[name] for name, array in arrays.items())
    return arrays if right else None


def _write(path: Path, arrays: dict[str, Bytes]) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take savez's keywords for its flags

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replaced(path, save, mark=str(os.getpid()))
