"""Damage a file: reproducible from a random generator, and aware of the file's format.

    mutate("weights.safetensors", content, other, rng)     the same generator gives the same damage
    mutators_for("weights.safetensors")                    the mutators for files of this name

Half of the damage is generic (mutators_bytes.py); the other half is specific to the format, so that it passes
checksums and reaches the code behind them. A mutator takes the file, a second valid one and a generator; it may raise
if the bytes are not of its format.
"""

from __future__ import annotations

import numpy as np

from nnlaw.nn.stress.fuzzing import mutators_archive as archive
from nnlaw.nn.stress.fuzzing import mutators_data as data
from nnlaw.nn.stress.fuzzing import mutators_text as text
from nnlaw.nn.stress.fuzzing.mutators_bytes import GENERIC, Mutator, flip_bits

Rng = np.random.Generator


def mutate(name: str, content: bytes, other: bytes, rng: Rng) -> bytes:
    """Apply one to three mutators in turn to `content`; `other` is a second valid file of the format."""
    specific = mutators_for(name)
    for _ in range(int(rng.integers(1, 4))):
        chosen = specific if specific and rng.random() < 0.5 else GENERIC
        try:
            content = chosen[rng.integers(len(chosen))](content, other, rng)
        except Exception:  # the bytes are damaged already and no longer of the format: any exception is possible
            content = flip_bits(content, other, rng)
    return content


def mutators_for(name: str) -> tuple[Mutator, ...]:
    """The mutators for a file of this name; empty if the format is not in the table."""
    return next((row for ending, row in MUTATORS.items() if name.endswith(ending)), ())


def change_member(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Damage one member of a zip by the mutators of its format; checksums in a bundle's index are updated."""
    members = archive.members_of(content)
    name = list(members)[rng.integers(len(members))]
    chosen = mutators_for(name) or (lambda c, o, r: rng.bytes(len(c)),)
    members[name] = chosen[rng.integers(len(chosen))](members[name], b"", rng)
    return archive.zipped(members, update_checksums=True)


MUTATORS: dict[str, tuple[Mutator, ...]] = {
    "-ubyte": (data.change_idx_header, data.permute_idx_dimensions),
    ".gz": (data.change_inside_gzip, data.gzip_bomb),
    ".png": (data.change_png_chunk, data.change_png_header, data.png_bomb),
    ".jpg": (data.change_jpeg_segment,),
    ".toml": (text.change_toml,),
    ".json": (text.change_json,),
    ".jsonl": (text.change_json_line,),
    ".safetensors": (
        archive.change_header,
        archive.change_tensor,
        archive.extreme_values,
        archive.huge_header,
    ),
    ".zip": (change_member, archive.change_member_name, archive.change_zip),
    ".npz": (change_member, archive.change_member_name, archive.change_zip),
    ".npy": (archive.change_npy,),
}
