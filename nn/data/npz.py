"""Read arrays of numbers from an .npz file of unknown origin.

    with NpzFile(path) as file:
        x = file.array("x_train")

Nothing is unpickled. An array is read up to the size in its header, which may be at most MAX_BYTES.

Sources: the NPY format of NumPy, numpy.lib.format; the zip format of the standard library.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nnlaw.nn.data.idx import MAX_BYTES, read_exactly
from nnlaw.spec.violation import BadInput

SUFFIX = ".npz"
HEADER = 2**14  # bytes read for a header; NumPy itself refuses more than 10,000
EXPECTED = "expected an .npz file with x_train, y_train, x_test and y_test"
READ_ERRORS = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, NotImplementedError, RecursionError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


class NpzFile:
    """An open .npz file, a context manager. Its methods raise BadInput; the message ends with `expected`.

    No dimension of an array may be below `min_size`.
    """

    def __init__(self, path: Path, expected: str = EXPECTED, min_size: int = 1) -> None:
        self.path, self.expected, self.min_size = path, expected, min_size

    def __enter__(self) -> NpzFile:
        if not self.path.is_file():  # reading from a pipe would block
            raise BadInput(f"{self.path}: no such file, {self.expected}")
        try:
            self.zip = zipfile.ZipFile(self.path)
        except READ_ERRORS as error:
            raise BadInput(f"{self.path}: cannot be read: {error}, {self.expected}") from error
        return self

    def __exit__(self, *error: object) -> None:
        self.zip.close()

    def label(self, name: str) -> str:
        """An array's name in messages."""
        return f"{self.path}: {name}"

    def array(self, name: str) -> NDArray[Any]:
        """One array of numbers."""
        entries = [entry for entry in self.zip.infolist() if entry.filename == f"{name}.npy"]
        if len(entries) != 1:
            found = "there twice" if entries else "missing"
            raise BadInput(f"{self.path}: {name} is {found}, {self.expected}")
        entry = entries[0]
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{self.label(name)} is compressed by a method that NumPy does not use, {self.expected}")
        try:
            with self.zip.open(entry) as file:
                return self._parse(file, self.label(name))
        except BadInput:
            raise
        except READ_ERRORS as error:
            reason = str(error) or type(error).__name__
            raise BadInput(f"{self.label(name)} cannot be read: {reason}, {self.expected}") from error

    def _parse(self, file: Any, label: str) -> NDArray[Any]:
        start = file.read(HEADER)
        buffer = io.BytesIO(start)
        try:
            version = npy.read_magic(buffer)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(buffer)
        except Exception as error:  # a header is a Python expression, and parsing it can raise almost any exception
            raise BadInput(f"{label} has no valid NumPy header, {self.expected}") from error
        if dtype.kind not in "biufc" or any(size < self.min_size for size in shape):
            expected = f"expected numbers, and every dimension at least {self.min_size}"
            raise BadInput(f"{label} is {str(dtype)[:40]} of shape {shape}, {expected}")
        size = prod(shape) * dtype.itemsize
        if size > MAX_BYTES:
            raise BadInput(f"{label}: its header states {size:,} bytes, expected at most {MAX_BYTES:,}")
        body = read_exactly(file, size, label, buffer.read())
        return np.ascontiguousarray(np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C"))
