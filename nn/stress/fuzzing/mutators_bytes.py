"""Generic damage to bytes, as disks and networks cause it: works on any file, without knowledge of its format."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Mutator = Callable[[bytes, bytes, Rng], bytes]
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
HEADER = 64  # bytes in which most formats keep their sizes


def flip_bits(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Flip one to eight bits, half of the time near the beginning."""
    found = bytearray(content)
    reach = min(len(found), HEADER) if rng.random() < 0.5 else len(found)
    for _ in range(int(rng.integers(1, 9)) if found else 0):
        found[rng.integers(reach)] ^= 1 << int(rng.integers(8))
    return bytes(found)


def truncate(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Cut the file at a random place, possibly to 0 bytes."""
    return content[: rng.integers(len(content) + 1)]


def extend(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Append up to 4 KB of noise or zeros, or the file itself."""
    tail = (rng.bytes(int(rng.integers(1, 4097))), bytes(int(rng.integers(1, 4097))), content)
    return content + tail[rng.integers(3)]


def duplicate_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Repeat a block of the file."""
    start, stop = _block(content, rng)
    return content[:stop] + content[start:stop] + content[stop:]


def drop_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Remove a block of the file."""
    start, stop = _block(content, rng)
    return content[:start] + content[stop:]


def zero_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Set a block of the file to zeros, as after a disk crash."""
    start, stop = _block(content, rng)
    return content[:start] + bytes(stop - start) + content[stop:]


def extreme_number(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Replace 1, 2, 4 or 8 bytes by an extreme number, in either byte order."""
    width = int(rng.choice([1, 2, 4, 8]))
    reach = min(len(content), HEADER) if rng.random() < 0.7 else len(content)
    at = int(rng.integers(max(1, reach - width + 1)))
    value: int = EXTREMES[rng.integers(len(EXTREMES))] % 2 ** (8 * width)
    number: bytes = value.to_bytes(width, "big" if rng.random() < 0.5 else "little")
    return content[:at] + number + content[at + width :]


def splice(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Join the beginning of one valid file and the end of another."""
    cut = rng.random()
    return content[: int(cut * len(content))] + other[int((cut if rng.random() < 0.5 else rng.random()) * len(other)) :]


def _block(content: bytes, rng: Rng) -> tuple[int, int]:
    start = int(rng.integers(len(content) + 1))
    return start, min(len(content), start + int(2 ** rng.uniform(0, 13)))


GENERIC: tuple[Mutator, ...] = (
    flip_bits,
    truncate,
    extend,
    duplicate_block,
    drop_block,
    zero_block,
    extreme_number,
    splice,
)
