"""Initial weights must come from the generator that is passed.

It finds numpy's global generator, a hard-coded seed, and a generator made without a seed.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, fixed_seed
from nnlaw.spec.laws.initializer._shared import SHAPES, weights_of
from nnlaw.spec.subjects.cases import InitializerCase

FEW = 8  # different values; more than these count as random: zeros, the identity and ±1 do not


@law(
    "seeded",
    kind="initializer",
    family="randomness",
    statement="Weights depend on the passed generator and on nothing else: the same seed gives the same bits.",
    why="Without this a run can't be repeated from its seed, and two runs with one seed differ.",
    depends_on=("finite",),
)
def seeded(case: InitializerCase) -> None:
    """Call the initializer with equal generators, under different states of the global generators: the weights must be
    equal bit for bit, and the global generators unchanged. With another seed the weights must differ, unless they are
    clearly not random: few different values, or numbers that depend on the shape, without a declared variance.
    """
    shape = SHAPES[0]
    def weights(rng: np.random.Generator) -> Array:
        return weights_of(case, shape, rng)

    one, two = check_seeded(case.thing, weights, case.seed, location=case.location, array="the weight matrix")
    if not np.array_equal(one, two) or len(np.unique(np.abs(one))) <= FEW:
        return
    longer = np.asarray(case(case.rng, (shape[0], shape[1] + 1), *shape)).reshape(-1)
    same_stream = np.array_equal(longer[: one.size], one.reshape(-1))  # the same numbers, independent of the shape
    if same_stream or declared_value(case.thing, "variance") is not None:
        raise fixed_seed("the weight matrix", case.location)
