"""The order comes from the generator handed in and from nothing else: same state, same order."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, own_seed
from nnlaw.spec.laws.batches._shared import EVEN, PIXELS, SIZE, epoch, known, samples
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "seeded",
    kind="batches",
    family="state",
    statement="The order comes from the generator handed in and from nothing else: same state, same order.",
    depends_on=("paired",),
)
def seeded(case: BatchesCase) -> None:
    """An order that is the same for every generator must be no shuffle: few different steps, or steps told by y."""

    def draw(rng: np.random.Generator) -> Array:
        return np.concatenate([*epoch(case, EVEN, rng).images, np.zeros((0, PIXELS), np.float32)])

    one, two = check_seeded(draw, case.seed, location=case.location, array="the epoch")
    if not np.array_equal(one, two) or len(one) != EVEN:
        return
    order = known(one)
    steps = len(np.unique(np.diff(order) % EVEN))
    if steps > EVEN // 3 and not _follows_the_data(case, order):
        raise own_seed("the order of samples", case.location)


def _follows_the_data(case: BatchesCase, order: Array) -> bool:
    """Whether the places of an order change with x and y, as those of a curriculum do."""
    x, y = samples(EVEN)
    turned, told = x[::-1].copy(), y[::-1].copy()
    found = np.concatenate([known(np.array(batch[0])) for batch in case(turned, told, SIZE, case.rng)])
    return not np.array_equal(found, EVEN - 1 - order)
