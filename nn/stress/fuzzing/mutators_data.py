"""Damage to IDX, gzip, PNG and JPEG files: sizes, types and chunks are changed, checksums updated."""

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
CHUNKS = (b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"acTL", b"fdAT", b"eXIf")  # types of PNG chunks
BOMB = 2**24  # zero bytes, which compress to almost nothing


def change_idx_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change the type, the number of dimensions, or one dimension in an IDX header."""
    at = int(rng.integers(4))
    if at == 0:
        return bytes((0, 0, int(rng.integers(16)), int(rng.integers(6)))) + content[4:]
    return content[: 4 * at] + struct.pack(">I", extreme_size(rng)) + content[4 * at + 4 :]


def permute_idx_dimensions(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Permute the dimensions in an IDX header: the number of bytes stays right, the images are wrong."""
    dims = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return content[:4] + struct.pack(f">{len(dims)}I", *rng.permutation(dims)) + content[4 + 4 * len(dims) :]


def change_inside_gzip(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Damage the IDX file inside a gzip and update the checksum."""
    try:
        inner = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error
    return gzip.compress((change_idx_header, permute_idx_dimensions)[rng.integers(2)](inner, b"", rng), 1, mtime=0)


def gzip_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A small gzip that unpacks to many bytes; its header declares fewer, more, or exactly as many."""
    header = bytes((0, 0, 8, 3)) + struct.pack(">3I", *(int(rng.choice([1, 2**10, 2**16, 2**20])) for _ in range(3)))
    return gzip.compress(header, 1, mtime=0) + _zeros_gzipped()


def change_png_chunk(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Drop, repeat, move, rename or change a chunk of a PNG, and update its checksum."""
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
        chunks[at] = (CHUNKS[rng.integers(len(CHUNKS))], body)
    else:
        changed = bytearray(body or b"\0")
        changed[rng.integers(len(changed))] = int(rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 127, 128, 255]))
        chunks[at] = (kind, bytes(changed))
    return content[:8] + b"".join(_png_chunk(*chunk) for chunk in chunks)


def change_png_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change width, height, depth or color type in IHDR."""
    body = bytearray(content[16:29])
    at = int(rng.integers(3))
    if at < 2:
        body[4 * at : 4 * at + 4] = struct.pack(">I", int(rng.choice([0, 1, 27, 5000, 60_000, 2**31 - 1, 2**32 - 1])))
    else:
        body[8], body[9] = int(rng.choice([0, 1, 2, 4, 8, 16, 32])), int(rng.integers(8))
    return content[:8] + _png_chunk(b"IHDR", bytes(body)) + content[33:]


def png_bomb(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Insert a small chunk of pixels or text that unpacks to many bytes."""
    kind, head = ((b"IDAT", b""), (b"zTXt", b"a\0\0"), (b"iCCP", b"a\0\0"))[rng.integers(3)]
    return content[:33] + _png_chunk(kind, head + _zeros()) + content[33:]


def change_jpeg_segment(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Change the size of the frame of a JPEG, or the length of a segment."""
    starts = [found.start() for found in re.finditer(rb"\xff[\xc0-\xc4\xda\xdb\xe0-\xef]", content)]
    at = starts[rng.integers(len(starts))]
    offset = int(rng.choice([2, 4, 5, 7]))
    return content[: at + offset] + struct.pack(">H", extreme_size(rng) % 65536) + content[at + offset + 2 :]


def extreme_size(rng: Rng) -> int:
    """A size at the limits of its integer type."""
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
