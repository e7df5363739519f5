"""Check that a function draws random numbers from the generator it receives, and from no other source.

check_seeded() compares results for equal generators, under other global seeds, and looks for changes of the global
generators; fixed_seed() is the violation of a function that ignores its generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, Location, Violation

Sampler = Callable[[np.random.Generator], Array]

OTHER_SOURCE = Cause(
    "unseeded-generator", "often a generator without a seed, such as default_rng(), or state kept from call to call"
)
GLOBAL_SOURCE = Cause(
    "global-generator", "it uses the global generator of NumPy (np.random.rand and similar) or of Python (random)"
)


@contextmanager
def _global_seed(subject: Subject, seed: int) -> Iterator[None]:
    """Inside, the global generators of NumPy and Python start from `seed`; afterwards they are as they were."""
    subject.seed_globals(seed)
    try:
        yield
    finally:
        subject.seed_globals(None)


def check_seeded(
    subject: Subject, sample: Sampler, seed: int, *, location: Location, array: str
) -> tuple[Array, Array]:
    """Return what `sample` returns for generators with the seeds `seed` and `seed + 1`.

    Raises a violation of law `seeded` if two generators with the same seed give different results, if the results
    depend on a global seed, or if a global generator is changed.
    """
    with _global_seed(subject, 1):
        first = sample(np.random.default_rng(seed))
    with _global_seed(subject, 1):
        second = sample(np.random.default_rng(seed))
    with _global_seed(subject, 2):
        elsewhere = sample(np.random.default_rng(seed))
        next_numbers = subject.global_numbers()
    with _global_seed(subject, 2):
        expected = subject.global_numbers()
    if not _same(first, second):
        cause = OTHER_SOURCE
    elif not _same(first, elsewhere):
        cause = GLOBAL_SOURCE
    elif next_numbers != expected:
        raise Violation(
            "seeded",
            location=location,
            array="the global random generator",
            actual="changed by the call",
            expected="unchanged: random numbers come from rng alone",
            cause="often np.random.seed, np.random.rand or random.random",
            cause_code="global-generator",
        )
    else:
        return first, sample(np.random.default_rng(seed + 1))
    raise Violation(
        "seeded",
        location=location,
        array=array,
        actual="different for two generators with the same seed",
        expected="identical values",
        cause=cause.text,
        cause_code=cause.code,
    )


def fixed_seed(array: str, location: Location) -> Violation:
    """The violation of a function that draws the same numbers for any generator it receives."""
    return Violation(
        "seeded",
        location=location,
        array=array,
        actual="identical for two generators with different seeds",
        expected="different values",
        cause="often a generator with a fixed seed, such as default_rng(0), in place of the one that is passed",
        cause_code="fixed-seed",
    )


def creates_generator(subject: Subject, sample: Sampler, seed: int) -> bool:
    """Whether `sample` calls default_rng with a number or nothing, and not with the generator it receives."""
    rng = np.random.default_rng(seed)
    subject.watch_generators(True)
    try:
        sample(rng)
    finally:
        seeds = subject.watch_generators(False)
    return bool(seeds)


def _same(a: Array, b: Array) -> bool:
    return np.array_equal(a, b, equal_nan=True)
