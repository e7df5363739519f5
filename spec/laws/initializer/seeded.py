"""The weights come from the generator handed in and from nothing else: same state, same bits."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, own_seed
from nnlaw.spec.laws.initializer._shared import SHAPES, drawn
from nnlaw.spec.subjects.cases import InitializerCase

FEW = 8  # so many different values are no random draw: zeros, the identity, ±1


@law(
    "seeded",
    kind="initializer",
    family="state",
    statement="The weights come from the generator handed in and from nothing else: same state, same bits.",
    depends_on=("finite",),
)
def seeded(case: InitializerCase) -> None:
    """What is plainly no draw (few values, no claimed variance) may be the same for every generator."""
    wanted = SHAPES[0]
    one, two = check_seeded(
        lambda rng: drawn(case, wanted, rng), case.seed, location=case.location, array="the weights"
    )
    if not np.array_equal(one, two) or len(np.unique(np.abs(one))) <= FEW:
        return
    longer = np.asarray(case(case.rng, (wanted[0], wanted[1] + 1), *wanted)).reshape(-1)
    stream = np.array_equal(longer[: one.size], one.reshape(-1))  # of the same numbers, whatever the shape
    if stream or claim(case.thing, "variance") is not None:
        raise own_seed("the weights", case.location)
