"""No two weight arrays begin with the same random numbers, scaled or not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NotApplicable, Violation

LEAST = 16  # numbers that two arrays must have in common before they are compared
ALIKE = 0.999  # the correlation above which numbers are the same but for their scale; of chance it is about 1/√n


@law(
    "own-draws",
    kind="model",
    family="state",
    statement="No two weight arrays begin with the same random numbers, scaled or not.",
    depends_on=("gradient",),
)
def own_draws(case: ModelCase) -> None:
    """Arrays of which nearly all numbers differ are taken for drawn; shared memory is one array, tied on purpose."""
    model = case.make(np.random.default_rng(case.seed))
    if model is None:
        raise NotApplicable("it can't be built anew")
    drawn = {name: np.asarray(array) for name, array in model.params.items() if _looks_drawn(np.asarray(array))}
    for (one, first), (two, second) in combinations(drawn.items(), 2):
        if not np.shares_memory(first, second) and _alike(first, second):
            raise Violation(
                "own-draws",
                location=case.location("predict"),
                array=f"the first {two}",
                actual=f"the numbers of {one} over again, but for their scale",
                expected="numbers of its own",
                cause="a generator that is made anew from the same seed for each layer",
            )


def _looks_drawn(array: Array) -> bool:
    return array.size >= LEAST and len(np.unique(array)) > 0.9 * array.size


def _alike(first: Array, second: Array) -> bool:
    count = min(first.size, second.size)
    one, two = (np.asarray(array, np.float64).ravel()[:count] for array in (first, second))
    return bool(np.corrcoef(one, two)[0, 1] > ALIKE)
