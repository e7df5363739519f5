"""Randomness from one seed, split by purpose and place, so that adding one use disturbs no other."""

from __future__ import annotations

from collections import deque
from types import FunctionType, ModuleType
from typing import Any
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


def generators(thing: Any) -> dict[str, np.random.Generator]:
    """Every generator that `thing` keeps, however deep in its attributes, lists and dicts, by path.

    Strict, resume and replay save their state, so that chance goes on where it stopped.
    """
    found: dict[str, np.random.Generator] = {}
    seen: set[int] = set()
    todo = deque([("", thing)])
    while todo:
        path, item = todo.popleft()
        if id(item) in seen or isinstance(item, type | ModuleType | FunctionType):
            continue
        seen.add(id(item))
        if isinstance(item, np.random.Generator):
            found[path] = item
        elif isinstance(item, list | tuple):
            todo += [(f"{path}.{i}".lstrip("."), part) for i, part in enumerate(item)]
        elif isinstance(owner := getattr(item, "__self__", None), np.random.Generator):  # rng.random, kept alone
            todo.append((path, owner))
        else:
            parts = item if isinstance(item, dict) else getattr(item, "__dict__", {})
            todo += [(f"{path}.{name}".lstrip("."), part) for name, part in parts.items()]
    return found
