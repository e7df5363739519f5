"""Damage that knows what is inside data files: IDX and its gzip, PNG, JPEG."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np

Rng = np.random.Generator
SIZES = (0, 1, 2, 255, 256, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
KINDS = (b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"acTL", b"fdAT", b"eXIf")  # of chunks in a PNG
BOMB = 2**24  # bytes of zeros, which a packer makes small


def lie_in_idx(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The kind, the number of dimensions, or one dimension of an IDX header is another."""
    at = int(rng.integers(4))
    if at == 0:
        return bytes((0, 0, int(rng.integers(16)), int(rng.integers(6)))) + content[4:]
    return content[: 4 * at] + struct.pack(">I", size(rng)) + content[4 * at + 4 :]


def trade_dimensions(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The dimensions of an IDX header in another order: the bytes fit, the pictures don't."""
    dims = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return content[:4] + struct.pack(f">{len(dims)}I", *rng.permutation(dims)) + content[4 + 4 * len(dims) :]


def inside_gzip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Damage within the gzip, whose checksum is made to fit."""
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    return gzip.compress((lie_in_idx, trade_dimensions)[rng.integers(2)](inner, b"", rng), 1, mtime=0)


def gzip_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A small gzip of many bytes, behind a header that promises more, or fewer, or just as many."""
    header = bytes((0, 0, 8, 3)) + struct.pack(">3I", *(int(rng.choice([1, 2**10, 2**16, 2**20])) for _ in range(3)))
    return gzip.compress(header, 1, mtime=0) + _zeros_gzipped()


def edit_png(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A chunk of a PNG is dropped, doubled, moved, renamed or changed, its checksum made to fit."""
    chunks = list(_png_chunks(content))
    at, way = int(rng.integers(len(chunks))), int(rng.integers(6))
    kind, body = chunks[at]
    if way == 0:
        del chunks[at]
    elif way == 1:
        chunks.insert(at, (kind, body))
    elif way == 2:
        chunks.insert(int(rng.integers(len(chunks))), chunks.pop(at))
    elif way == 3:
        chunks[at] = (KINDS[rng.integers(len(KINDS))], body)
    else:
        changed = bytearray(body or b"\0")
        changed[rng.integers(len(changed))] = int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 127, 128, 255]))
        chunks[at] = (kind, bytes(changed))
    return content[:8] + b"".join(_png_chunk(*chunk) for chunk in chunks)


def lie_in_png(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Another width, height, depth or color type in IHDR."""
    body = bytearray(content[16:29])
    at = int(rng.integers(3))
    if at < 2:
        body[4 * at : 4 * at + 4] = struct.pack(">I", int(rng.choice([0, 1, 27, 5000, 60_000, 2**31 - 1, 2**32 - 1])))
    else:
        body[8], body[9] = int(rng.choice([0, 1, 2, 4, 8, 16, 32])), int(rng.integers(8))
    return content[:8] + _png_chunk(b"IHDR", bytes(body)) + content[33:]


def png_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A small chunk of many bytes: of pixels, or of text."""
    kind, head = ((b"IDAT", b""), (b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"))[rng.integers(3)]
    return content[:33] + _png_chunk(kind, head + _zeros()) + content[33:]


def lie_in_jpeg(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The frame of a JPEG has another size, or a segment another length."""
    starts = [found.start() for found in re.finditer(rb"\xff[\xc0-\xc4\xda\xdb\xe0-\xef]", content)]
    at = starts[rng.integers(len(starts))]
    offset = int(rng.choice([2, 4, 5, 7]))
    return content[: at + offset] + struct.pack(">H", size(rng) % 65536) + content[at + offset + 2 :]


def size(rng: Rng) -> int:
    """A size that is hard to bear."""
    return int(SIZES[rng.integers(len(SIZES))])


def _png_chunks(content: bytes) -> Any:
    at = 8
    while at + 12 <= len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        at += 12 + size


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def _zeros() -> bytes:
    return zlib.compress(bytes(BOMB), 1)


@cache
def _zeros_gzipped() -> bytes:
    return gzip.compress(bytes(BOMB), 1, mtime=0)
