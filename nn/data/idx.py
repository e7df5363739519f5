"""Read and write IDX, the file format of MNIST.

A file has four bytes 00 00 08 d, where 08 means unsigned bytes in d dimensions, then d big-endian sizes, then the data.

Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.spec.violation import BadInput

MAX_BYTES = 560 * 2**20  # of one array: EMNIST's byclass has 547 million
CHUNK = 2**20
READ_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, OSError)


def read_idx(path: Path, *, dims: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes in `dims` dimensions, gzipped or not.

    Reads at most one byte more than the header states. Raises BadInput if the file is missing, empty, of another
    format, truncated, damaged, too large, or longer than its header states.
    """
    try:
        if path.exists() and not path.is_file():  # reading from a pipe would block
            raise BadInput(f"{path}: cannot be read: not a file, expected an IDX file")
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not is_gzip:
                return _parse(raw, path, dims)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _parse(unpacked, path, dims)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file, expected an IDX file") from None
    except READ_ERRORS as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be read: {reason}, expected an IDX file, gzipped or not") from error


def _parse(file: IO[bytes] | gzip.GzipFile, path: Path, dims: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * dims)
    if not header:
        raise BadInput(f"{path}: empty, expected an IDX file")
    magic = bytes((0, 0, 8, dims))
    if not magic.startswith(header[:4]):
        if header.lstrip()[:1] == b"<":
            raise BadInput(f"{path}: a web page, expected an IDX file; delete it and download the file again")
        if header[:4] == magic[::-1]:
            raise BadInput(f"{path}: its header is little-endian, expected big-endian numbers, as IDX files have")
        raise BadInput(f"{path}: magic number 0x{header[:4].hex()}, expected 0x{magic.hex()}")
    if len(header) < 4 + 4 * dims:
        raise BadInput(f"{path}: the header ends after {len(header)} bytes, expected {4 + 4 * dims}")
    shape = struct.unpack(f">{dims}I", header[4:])
    size = prod(shape)
    if size == 0:
        what = "labels" if dims == 1 else "images"
        raise BadInput(f"{path}: no {what}: its dimensions are {'×'.join(map(str, shape))}, expected sizes above 0")
    if size > MAX_BYTES:
        raise BadInput(f"{path}: its header states {size:,} bytes, expected at most {MAX_BYTES:,}")
    return np.frombuffer(read_exactly(file, size, str(path)), np.uint8).reshape(shape)


def read_exactly(file: IO[bytes] | gzip.GzipFile, size: int, name: str, start: bytes = b"") -> bytearray:
    """The remaining `size` bytes of a file, of which `start` has been read already.

    Memory grows with the bytes read, not with `size`. Raises BadInput, naming the file, if it has fewer bytes or more.
    """
    body = bytearray(start)
    while len(body) < size + 1 and (chunk := file.read(min(CHUNK, size + 1 - len(body)))):
        body += chunk
    if len(body) < size:
        raise BadInput(f"{name}: {len(body):,} bytes of data, expected {size:,} from its dimensions")
    if len(body) > size:
        raise BadInput(f"{name}: more than {size:,} bytes of data, expected {size:,} from its dimensions")
    return body


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of bytes of any shape as IDX, atomically. Raises BadInput."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    try:
        replace_file(path, header + np.ascontiguousarray(array, np.uint8).tobytes())
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a path for a file") from error
