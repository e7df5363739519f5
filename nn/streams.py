"""Randomness from one seed, split by purpose and place, so that adding one use disturbs no other."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: np.random.SeedSequence, purpose: str, place: int = 0) -> np.random.Generator:
    """The generator for one purpose and place: the same words give the same stream, whatever else exists."""
    key = (*seed.spawn_key, crc32(purpose.encode()), place)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))


def seed_of(rng: np.random.Generator) -> np.random.SeedSequence:
    """The seed sequence behind a generator."""
    found = rng.bit_generator.seed_seq
    assert isinstance(found, np.random.SeedSequence)
    return found
