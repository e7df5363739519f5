"""The order of samples must come from the generator that is passed.

It finds numpy's global generator, a hard-coded seed, and a generator made without a seed.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, fixed_seed
from nnlaw.spec.laws.batches._shared import EVEN, PIXELS, SIZE, epoch, identified, samples
from nnlaw.spec.subjects.cases import BatchesCase


@law(
    "seeded",
    kind="batches",
    family="randomness",
    statement="The order depends on the passed generator and on nothing else: the same seed gives the same order.",
    why="Without this a run can't be repeated from its seed. With a seed of its own the sampler uses the same order in "
    "every epoch.",
    depends_on=("paired",),
)
def seeded(case: BatchesCase) -> None:
    """Take an epoch over 30 samples with equal generators, under different states of the global generators: the images
    must be equal bit for bit, and the global generators unchanged. With another seed the order must differ, unless it
    is clearly not a shuffle: at most 10 different steps, or an order that follows x or y.
    """

    def images(rng: np.random.Generator) -> Array:
        return np.concatenate([*epoch(case, EVEN, rng).images, np.zeros((0, PIXELS), np.float32)])

    one, two = check_seeded(case.thing, images, case.seed, location=case.location, array="the epoch")
    if not np.array_equal(one, two) or len(one) != EVEN:
        return
    order = identified(one)
    steps = len(np.unique(np.diff(order) % EVEN))
    if steps > EVEN // 3 and not _follows_the_data(case, order):
        raise fixed_seed("the order of samples", case.location)


def _follows_the_data(case: BatchesCase, order: Array) -> bool:
    """Whether the positions in an order change with x and y, as those of a curriculum do."""
    x, y = samples(EVEN)
    reversed_x, reversed_y = x[::-1].copy(), y[::-1].copy()
    batches, _ = case.take(4 * EVEN, reversed_x, reversed_y, SIZE, case.rng)
    found = np.concatenate([identified(np.array(batch[0])) for batch in batches])
    return not np.array_equal(found, EVEN - 1 - order)
