"""Independent random generators from one seed, one per purpose, so that a new use changes no existing one."""

from __future__ import annotations

from collections import deque
from types import FunctionType, ModuleType
from typing import Any
from zlib import crc32

import numpy as np


def stream(seed: np.random.SeedSequence, purpose: str, index: int = 0) -> np.random.Generator:
    """The generator for a purpose and an index, such as ("shuffle", epoch). It depends on nothing but its arguments."""
    key = (*seed.spawn_key, crc32(purpose.encode()), index)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))


def seed_of(rng: np.random.Generator) -> np.random.SeedSequence:
    """The seed sequence behind a generator."""
    found = rng.bit_generator.seed_seq
    assert isinstance(found, np.random.SeedSequence)
    return found


def find_generators(root: Any) -> dict[str, np.random.Generator]:
    """Every generator in the attributes, lists and dicts of an object, at any depth, by path.

    Checkpoints and failure reports save their states, so that a resumed training draws the same numbers.
    """
    found: dict[str, np.random.Generator] = {}
    seen: set[int] = set()
    todo = deque([("", root)])
    while todo:
        path, item = todo.popleft()
        if id(item) in seen or isinstance(item, type | ModuleType | FunctionType):
            continue
        seen.add(id(item))
        if isinstance(item, np.random.Generator):
            found[path] = item
        elif isinstance(item, list | tuple):
            todo += [(f"{path}.{i}".lstrip("."), part) for i, part in enumerate(item)]
        elif isinstance(owner := getattr(item, "__self__", None), np.random.Generator):  # a method such as rng.random
            todo.append((path, owner))
        else:
            parts = item if isinstance(item, dict) else getattr(item, "__dict__", {})
            todo += [(f"{path}.{name}".lstrip("."), part) for name, part in parts.items()]
    return found
