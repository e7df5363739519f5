"""Keep computed arrays in the user's cache folder.

    arrays = cached("digits", {"images": (7000, 28, 28)}, compute)

A damaged or missing file is computed again; without a writable folder nothing is kept.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from nnlaw.nn.core.atomic_write import write_atomically

Bytes = NDArray[np.uint8]
READ_ERRORS = (OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)


def cached(
    name: str, shapes: dict[str, tuple[int, ...]], compute: Callable[[], dict[str, Bytes]]
) -> dict[str, Bytes]:
    """Arrays of bytes with these names and shapes from the cache, or else from `compute`, and then kept.

    Never raises because of the cache: the checksums of the zip format reveal a damaged file, which is computed again.
    """
    path = Path(platformdirs.user_cache_dir("nnlaw", appauthor=False)) / f"{name}.npz"
    arrays = _read(path, shapes)
    if arrays is None:
        arrays = compute()
        _write(path, arrays)
    return arrays


def _read(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Bytes] | None:
    try:
        if not path.is_file():  # reading from a pipe would block
            return None
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in shapes}
    except READ_ERRORS:
        return None
    valid = all(array.dtype == np.uint8 and array.shape == shapes[name] for name, array in arrays.items())
    return arrays if valid else None


def _write(path: Path, arrays: dict[str, Bytes]) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take savez's keywords for its flags

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.is_fifo():
            path.unlink()
        write_atomically(path, save)
