"""The IDX format of MNIST: magic 00 00 08 d for unsigned bytes in d dimensions, then d big-endian sizes, then bytes.

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.spec.violation import BadInput

LARGEST = 560 * 2**20  # bytes that a file may promise: EMNIST's byclass has 547 million
CHUNK = 2**20
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, OSError)


def read_idx(path: Path, *, dims: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes in `dims` dimensions, gzipped or not.

    Reads no more than the header promises, and one byte to see that nothing trails. Raises BadInput for a file that
    is absent, empty, of another kind, cut short, damaged, too large, or longer than it says.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever
            raise BadInput(f"{path}: cannot be read: not a file, expected an IDX file")
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _parse(raw, path, dims)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _parse(unpacked, path, dims)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file, expected an IDX file") from None
    except DAMAGE as error:
        why = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be read: {why}, expected an IDX file, whole or gzipped") from error


def _parse(file: IO[bytes] | gzip.GzipFile, path: Path, dims: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * dims)
    if not header:
        raise BadInput(f"{path}: empty, expected an IDX file")
    magic = bytes((0, 0, 8, dims))
    if not magic.startswith(header[:4]):
        raise BadInput(f"{path}: magic number 0x{header[:4].hex()}, expected 0x{magic.hex()}")
    if len(header) < 4 + 4 * dims:
        raise BadInput(f"{path}: the header ends after {len(header)} bytes, expected {4 + 4 * dims}")
    shape = struct.unpack(f">{dims}I", header[4:])
    size = prod(shape)
    if size == 0:
        what = "labels" if dims == 1 else "images"
        raise BadInput(f"{path}: no {what}: its dimensions are {'×'.join(map(str, shape))}, expected none to be 0")
    if size > LARGEST:
        raise BadInput(f"{path}: promises {size:,} bytes, expected at most {LARGEST:,}")
    body = body_of(file, size, str(path))
    return np.frombuffer(body, np.uint8).reshape(shape)


def body_of(file: IO[bytes] | gzip.GzipFile, size: int, name: str, start: bytes = b"") -> bytearray:
    """The `size` bytes that are left of a file, `start` of them read already; no more, however much there is.

    Raises BadInput, naming the file, where there are fewer, or where others follow.
    """
    body = bytearray(start)
    while len(body) < size + 1 and (chunk := file.read(min(CHUNK, size + 1 - len(body)))):
        body += chunk
    if len(body) < size:
        raise BadInput(f"{name}: {len(body):,} bytes of data, expected {size:,} from its dimensions")
    if len(body) > size:
        raise BadInput(f"{name}: bytes trail after the {size:,} that its dimensions promise, expected none")
    return body


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of bytes, of any shape, as IDX, whole or not at all. Raises BadInput."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    try:
        replace_file(path, header + np.ascontiguousarray(array, np.uint8).tobytes(), mark=str(os.getpid()))
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a place for a file") from error
