"""What a layer draws, when it is built and at each call, comes from the generator handed in."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, makes_its_own, own_seed
from nnlaw.spec.laws.layer._shared import CALLS, equal
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "seeded",
    kind="layer",
    family="state",
    statement="What a layer draws, when it is built and at each call, comes from the generator handed in.",
)
def seeded(case: LayerCase) -> None:
    """Built several times from one seed, and once from another: what is the same then may be meant, unless a generator
    was made for it. Then several calls of two copies in turn, in both modes."""
    make = case.make
    if make is not None and hasattr(type(case.layer), "build"):
        location, array = case.location("build"), "what build draws"

        def draw(rng: np.random.Generator) -> Array:
            return _drawn(make(rng))

        one, two = check_seeded(draw, case.seed, location=location, array=array)
        if np.array_equal(one, two) and makes_its_own(draw, case.seed):
            raise own_seed(array, location)
    cause = "randomness of its own, such as np.random.rand, or a memory on the class; use the generator handed in"
    for training in (True, False):
        first, second = case.fresh(training), case.fresh(training)
        for _ in range(CALLS):
            kept = np.array(first.forward(case.x))
            equal(case, "seeded", "forward", "the output of a copy", second.forward(case.x), kept, cause)


def _drawn(layer: Any) -> Array:
    """All that is in params and state, in one row."""
    held = [*(layer.params or {}).values(), *(layer.state or {}).values()]
    return np.concatenate([np.ravel(array) for array in held] or [np.zeros(0)])
