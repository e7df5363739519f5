"""Damage that knows the format: lengths that lie, checksums made to fit, numbers and names that no one expects.

    twists_for("weights.safetensors")   the ways to damage such a file; what a file is, its name tells

A twist takes the file, a second valid one, and a generator; it raises where the bytes are no longer what it knows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnlaw.nn.stress.fuzzing import archive_mutators as a
from nnlaw.nn.stress.fuzzing import data_mutators as d
from nnlaw.nn.stress.fuzzing import text_mutators as t

Twist = Callable[[bytes, bytes, np.random.Generator], bytes]


def mutators_for(name: str) -> tuple[Twist, ...]:
    """The twists for a file of this name, none where its format is not known here."""
    return next((row for ending, row in TWISTS.items() if name.endswith(ending)), ())


def odd_member(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """One member of a zip is damaged by the twists of its own format; an index of checksums is made to fit."""
    members = a.members_of(content)
    name = list(members)[rng.integers(len(members))]
    ways = mutators_for(name) or (lambda c, o, r: rng.bytes(len(c)),)
    members[name] = ways[rng.integers(len(ways))](members[name], b"", rng)
    return a.zipped(members, fitting=True)


TWISTS: dict[str, tuple[Twist, ...]] = {
    "-ubyte": (d.lie_in_idx, d.trade_dimensions),
    ".gz": (d.inside_gzip, d.gzip_bomb),
    ".png": (d.edit_png, d.lie_in_png, d.png_bomb),
    ".jpg": (d.lie_in_jpeg,),
    ".toml": (t.odd_toml,),
    ".json": (t.odd_json,),
    ".jsonl": (t.odd_line,),
    ".safetensors": (a.odd_header, a.lie_in_tensors, a.odd_numbers, a.huge_header),
    ".zip": (odd_member, a.odd_name, a.odd_zip),
    ".npz": (odd_member, a.odd_name, a.odd_zip),
    ".npy": (a.odd_npy,),
}
