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

from spec.violation import BadInput

LARGEST = 512 * 2**20  # bytes that a file may promise
CHUNK = 2**20
DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, OSError)


def read_idx(path: Path, *, dims: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes in `dims` dimensions, gzipped or not.

    Reads no more than the header promises, and one byte to see that nothing trails. Raises BadInput for a file that
    is absent, empty, of another kind, cut short, damaged, too large, or longer than it says.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                return _parse(raw, path, dims)
            with gzip.GzipFile(fileobj=raw) as unpacked:
                return _parse(unpacked, path, dims)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except DAMAGE as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error


def _parse(file: IO[bytes] | gzip.GzipFile, path: Path, dims: int) -> NDArray[np.uint8]:
    header = file.read(4 + 4 * dims)
    if not header:
        raise BadInput(f"{path}: empty, expected an IDX file")
    magic = header[:4]
    if magic != bytes((0, 0, 8, dims)):
        raise BadInput(f"{path}: magic number 0x{magic.hex()}, expected 0x0000080{dims}")
    if len(header) < 4 + 4 * dims:
        raise BadInput(f"{path}: the header ends after {len(header)} bytes, expected {4 + 4 * dims}")
    shape = struct.unpack(f">{dims}I", header[4:])
    size = prod(shape)
    if size == 0:
        raise BadInput(f"{path}: no images: its dimensions are {'×'.join(map(str, shape))}")
    if size > LARGEST:
        raise BadInput(f"{path}: promises {size:,} bytes, expected at most {LARGEST:,}")
    body = bytearray()
    while len(body) < size + 1 and (chunk := file.read(min(CHUNK, size + 1 - len(body)))):
        body += chunk
    if len(body) < size:
        raise BadInput(f"{path}: {len(body):,} bytes of data, expected {size:,} from its dimensions")
    if len(body) > size:
        raise BadInput(f"{path}: bytes trail after the {size:,} that its dimensions promise")
    return np.frombuffer(body, np.uint8).reshape(shape)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of bytes as IDX, under a temporary name first."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    temporary.write_bytes(header + np.ascontiguousarray(array, np.uint8).tobytes())
    os.replace(temporary, path)
