"""Every weight array must have random numbers of its own.

Finds generators that are created from the same seed in each layer.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause, NotApplicable

MIN_SIZE = 16  # entries that an array must have to be compared
MIN_CORRELATION = 0.999  # of equal numbers, up to their scale; by chance it is about 1/√n

CAUSE = Cause("reused-seed", "often a generator that is created from the same seed for each layer")


@law(
    "own-draws",
    kind="model",
    family="randomness",
    statement="No two weight arrays may start with the same random numbers, scaled or not.",
    why="Layers with equal weights compute related features, so the network has fewer independent weights than its "
    "size suggests. Nothing in the loss shows it.",
    depends_on=("gradient",),
)
def own_draws(case: ModelCase) -> None:
    """The model is built anew, and every two weight arrays are compared over their common length.

    Arrays of at least 16 entries that nearly all differ count as random. A correlation above 0.999 fails, unless the
    arrays share memory, as tied weights do.
    """
    model = case.make(np.random.default_rng(case.seed))
    if model is None:
        raise NotApplicable("the model can't be built anew")
    arrays = {name: np.asarray(array) for name, array in model.params.items() if _looks_random(np.asarray(array))}
    for (one, first), (two, second) in combinations(arrays.items(), 2):
        if not np.shares_memory(first, second) and _same_numbers(first, second):
            actual = f"the same random numbers as {one}, up to their scale"
            raise violation(case, "own-draws", "predict", f"the initial {two}", actual, "other numbers", CAUSE)


def _looks_random(array: Array) -> bool:
    return array.size >= MIN_SIZE and len(np.unique(array)) > 0.9 * array.size


def _same_numbers(first: Array, second: Array) -> bool:
    count = min(first.size, second.size)
    one, two = (np.asarray(array, np.float64).ravel()[:count] for array in (first, second))
    return bool(np.corrcoef(one, two)[0, 1] > MIN_CORRELATION)
