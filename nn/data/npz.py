"""A data set in one .npz file, in the layout of Keras' mnist.npz: x_train, y_train, x_test, y_test.

    x_...  (N, H, W) uint8 pictures        y_...  (N,) integers of any size, the labels

Nothing is unpickled, and of what the file unpacks to, no more is read than its header promises and is allowed to.
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

from nnlaw.nn.data.dataset import Dataset, assembled, class_indices
from nnlaw.nn.data.dataset_info import Kind, by_labels, described
from nnlaw.nn.data.idx import LARGEST, body_of
from nnlaw.spec.violation import BadInput

SUFFIX = ".npz"
HEADER = 2**14  # bytes of a header that are looked at; NumPy itself refuses more than 10,000
EXPECTED = "expected an .npz file with x_train, y_train, x_test and y_test"
DAMAGE = (
    *(OSError, EOFError, ValueError, RuntimeError, MemoryError, NotImplementedError, RecursionError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


def read_npz(path: Path) -> Dataset:
    """The data set in an .npz file, checked through and through. Raises BadInput that says what was found in it."""
    with Archive(path) as archive:
        kind = archive.kind()
        return assembled(path, kind, archive.pair("train", kind), archive.pair("test", kind))


class Archive:
    """An .npz file, open: a context manager. All its methods raise BadInput, which ends in what was `expected`.

    No side of an array may be shorter than `least`.
    """

    def __init__(self, path: Path, expected: str = EXPECTED, least: int = 1) -> None:
        self.path, self.expected, self.least = path, expected, least

    def __enter__(self) -> Archive:
        if not self.path.is_file():  # a pipe would wait for ever
            raise BadInput(f"{self.path}: no such file, {self.expected}")
        try:
            self.zip = zipfile.ZipFile(self.path)
        except DAMAGE as error:
            raise BadInput(f"{self.path}: cannot be read: {error}, {self.expected}") from error
        return self

    def __exit__(self, *error: object) -> None:
        self.zip.close()

    def kind(self) -> Kind:
        """What the archive holds, by its labels and a description beside it."""
        return described(self.path.parent, by_labels(self.labels("y_train"), self.labels("y_test")))

    def pair(self, part: str, kind: Kind) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The pictures of a part (N, H, W), and the indices of their classes (N,)."""
        images, labels = self.array(f"x_{part}"), self.labels(f"y_{part}")
        if images.dtype != np.uint8 or images.ndim != 3:
            raise BadInput(f"{self._name(f'x_{part}')} is {_what(images)}, expected uint8 of shape (N, H, W)")
        names = self._name(f"x_{part}"), f"y_{part}"
        return images, class_indices(images, labels, names, self._name(f"y_{part}"), kind)

    def labels(self, name: str) -> NDArray[Any]:
        """One of the two rows of labels."""
        labels = self.array(name)
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise BadInput(f"{self._name(name)} is {_what(labels)}, expected integers of shape (N,)")
        return labels

    def array(self, name: str) -> NDArray[Any]:
        """One array of numbers."""
        try:
            entry = self.zip.getinfo(f"{name}.npy")
        except KeyError:
            raise BadInput(f"{self.path}: {name} is missing, {self.expected}") from None
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadInput(f"{self._name(name)} is packed in a way that NumPy does not, {self.expected}")
        try:
            with self.zip.open(entry) as file:
                return self._parsed(file, self._name(name))
        except BadInput:
            raise
        except DAMAGE as error:
            why = str(error) or type(error).__name__
            raise BadInput(f"{self._name(name)} cannot be read: {why}, {self.expected}") from error

    def _name(self, name: str) -> str:
        return f"{self.path}: {name}"

    def _parsed(self, file: Any, name: str) -> NDArray[Any]:
        start = file.read(HEADER)
        buffer = io.BytesIO(start)
        try:
            version = npy.read_magic(buffer)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, dtype = read(buffer)
        except Exception as error:  # a header is Python, whose tokenizer, parser and types fail each in their own way
            raise BadInput(f"{name} has no header that NumPy knows, {self.expected}") from error
        if dtype.kind not in "biufc" or any(side < self.least for side in shape):
            why = f"expected numbers, and no side of length {self.least - 1}"
            raise BadInput(f"{name} is {str(dtype)[:40]} of shape {shape}, {why}")
        size = prod(shape) * dtype.itemsize
        if size > LARGEST:
            raise BadInput(f"{name} promises {size:,} bytes, expected at most {LARGEST:,}")
        body = body_of(file, size, name, start[buffer.tell() :])
        return np.ascontiguousarray(np.frombuffer(body, dtype).reshape(shape, order="F" if fortran else "C"))


def _what(array: NDArray[Any]) -> str:
    return f"{array.dtype} of shape {array.shape}"
