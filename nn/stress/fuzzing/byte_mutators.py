"""Damage to a file, drawn from a seed: what disks, networks and strangers do to bytes, whatever these mean.

    mutate("weights.safetensors", content, other, rng)     the same generator damages the same way

Half of the damage is blind (`BLIND`); the other half knows the format (mutators.py) and so gets past checksums.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnlaw.nn.stress.fuzzing.mutators import mutators_for

Rng = np.random.Generator
Damage = Callable[[bytes, bytes, Rng], bytes]
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
HEADER = 64  # bytes in which most formats keep their sizes


def mutate(name: str, content: bytes, other: bytes, rng: Rng) -> bytes:
    """A damaged `content`: one to three damages, one after another; `other` is a second valid file of the format."""
    known = mutators_for(name)
    for _ in range(int(rng.integers(1, 4))):
        knowing = bool(known) and rng.random() < 0.5
        row = known if knowing else BLIND
        try:
            content = row[rng.integers(len(row))](content, other, rng)
        except Exception:  # damaged before, and no longer what the twist knows: it may fail in any way
            content = flip_bits(content, other, rng)
    return content


def flip_bits(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One to eight bits, half of the time near the beginning."""
    found = bytearray(content)
    reach = min(len(found), HEADER) if rng.random() < 0.5 else len(found)
    for _ in range(int(rng.integers(1, 9)) if found else 0):
        found[rng.integers(reach)] ^= 1 << int(rng.integers(8))
    return bytes(found)


def truncate(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Cut short anywhere, also to nothing."""
    return content[: rng.integers(len(content) + 1)]


def extend(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Up to 4 KB of noise, zeros, or the file itself once more at the end."""
    tail = (rng.bytes(int(rng.integers(1, 4097))), bytes(int(rng.integers(1, 4097))), content)
    return content + tail[rng.integers(3)]


def duplicate_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A block of the file stands there twice."""
    start, stop = _block(content, rng)
    return content[:stop] + content[start:stop] + content[stop:]


def drop_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A block of the file is gone."""
    start, stop = _block(content, rng)
    return content[:start] + content[stop:]


def zero_block(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A block of the file is zeros, as after a crash of the disk."""
    start, stop = _block(content, rng)
    return content[:start] + bytes(stop - start) + content[stop:]


def extreme_number(content: bytes, other: bytes, rng: Rng) -> bytes:
    """One, two, four or eight bytes become a number that is hard to bear, of either byte order."""
    width = int(rng.choice([1, 2, 4, 8]))
    reach = min(len(content), HEADER) if rng.random() < 0.7 else len(content)
    at = int(rng.integers(max(1, reach - width + 1)))
    value: int = EXTREMES[rng.integers(len(EXTREMES))] % 2 ** (8 * width)
    number: bytes = value.to_bytes(width, "big" if rng.random() < 0.5 else "little")
    return content[:at] + number + content[at + width :]


def splice(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The beginning of one valid file and the end of another."""
    cut = rng.random()
    return content[: int(cut * len(content))] + other[int((cut if rng.random() < 0.5 else rng.random()) * len(other)) :]


def _block(content: bytes, rng: Rng) -> tuple[int, int]:
    start = int(rng.integers(len(content) + 1))
    return start, min(len(content), start + int(2 ** rng.uniform(0, 13)))


BLIND: tuple[Damage, ...] = (
    flip_bits,
    truncate,
    extend,
    duplicate_block,
    drop_block,
    zero_block,
    extreme_number,
    splice,
)
