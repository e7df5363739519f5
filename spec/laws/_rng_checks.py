"""Does a function draw from the generator handed in, and from nothing else?

Three facts: the same generator gives the same bits, whatever numpy's global state; that state is left alone; and
another generator gives other bits, unless the function draws nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Location, Violation

Draw = Callable[[np.random.Generator], Array]


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Inside, the global generators of numpy and Python start from `seed`; afterwards they are as they were."""
    before, plain = np.random.get_state(), random.getstate()
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
        random.setstate(plain)


def check_seeded(draw: Draw, seed: int, *, location: Location, array: str) -> tuple[Array, Array]:
    """What `draw` returns for two generators, each judged to repeat. Raises Violation of law `seeded`."""
    with _global_seed(1):
        first, again = draw(np.random.default_rng(seed)), None
    with _global_seed(1):
        again = draw(np.random.default_rng(seed))
    with _global_seed(2):
        other = draw(np.random.default_rng(seed))
        drawn = np.random.random(2), random.random()
    with _global_seed(2):
        expected = np.random.random(2), random.random()
    if not _same(first, again):
        cause = "a source of its own, such as default_rng() without a seed, or state kept from call to call"
    elif not _same(first, other):
        cause = "numpy's global generator, np.random.rand and its like, or Python's random"
    elif not (np.array_equal(drawn[0], expected[0]) and drawn[1] == expected[1]):
        raise Violation(
            "seeded",
            location=location,
            array="the global generator",
            actual="moved or seeded by the call",
            expected="untouched: randomness comes from rng alone",
            cause="np.random.seed, np.random.rand or their like",
        )
    else:
        return first, draw(np.random.default_rng(seed + 1))
    raise Violation(
        "seeded",
        location=location,
        array=array,
        actual="not the same for two generators of one seed",
        expected="the same bits twice",
        cause=cause,
    )


def own_seed(array: str, location: Location) -> Violation:
    """The violation of what is random and the same for every generator."""
    return Violation(
        "seeded",
        location=location,
        array=array,
        actual="the same for two generators of different seeds",
        expected="other values from another generator",
        cause="a seed of its own, such as default_rng(0), in place of the rng handed in",
    )


def makes_its_own(draw: Draw, seed: int) -> bool:
    """Whether `draw` makes a generator by default_rng from a number or from nothing, and not from the one handed in."""
    from unittest.mock import patch  # slow to import, and seldom needed

    made, usual = [], np.random.default_rng

    def watched(start: Any = None) -> np.random.Generator:
        if start is None or isinstance(start, int | Sequence):
            made.append(start)
        return usual(start)

    with patch.object(np.random, "default_rng", watched):
        draw(usual(seed))
    return bool(made)


def _same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)
