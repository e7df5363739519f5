"""Is this file the one that is wanted? Told by its SHA-256, in a stream, with no more unpacked than it may hold."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from nnlaw.nn.data.download.mirrors import Wanted

CHUNK = 2**18
RIGHT, SHORT, WRONG = "right", "short", "wrong"


def verdict(path: Path, wanted: Wanted) -> str:
    """RIGHT, or SHORT where it may be the beginning of it, or WRONG. An absent file is short. Raises OSError."""
    if not path.exists():
        return SHORT
    unpacked = 0
    digests = {False: hashlib.sha256(), True: hashlib.sha256()}  # of the unpacked bytes, of the packed ones
    unzip = zlib.decompressobj(wbits=31)
    zipped = _is_zipped(path)
    try:
        for packed in _chunks(path):
            digests[True].update(packed)
            for part in _unzipped(unzip, packed) if zipped else (packed,):
                digests[False].update(part)
                unpacked += len(part)
                if unpacked > wanted.size:
                    return WRONG
    except zlib.error:
        return WRONG
    if not zipped or unzip.eof:
        same = digests[wanted.packed].hexdigest() == wanted.sha256 and not unzip.unused_data
        return RIGHT if same else WRONG if zipped or unpacked == wanted.size else SHORT
    return SHORT


def _is_zipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _unzipped(unzip: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What a chunk unpacks to, in parts, so that a bomb is seen before it has room."""
    if unzip.eof:
        raise zlib.error("bytes after the end")
    while packed and not unzip.eof:
        yield unzip.decompress(packed, CHUNK)
        packed = unzip.unconsumed_tail
