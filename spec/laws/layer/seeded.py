"""All random numbers of a layer must come from the generator that it receives.

Finds np.random.rand, default_rng() without a seed, and default_rng(0) inside a layer.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import check_seeded, creates_generator, fixed_seed
from nnlaw.spec.laws.layer._shared import check_equal, outputs_of
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "other-random-source",
    "often another source of random numbers, such as np.random.rand, or state on the class; use the generator that "
    "build receives",
)


@law(
    "seeded",
    kind="layer",
    family="randomness",
    statement="All random numbers of a layer must come from the generator that it receives.",
    why="With one seeded generator an experiment can be repeated exactly. A single other source of random numbers "
    "makes results, and bugs, impossible to reproduce.",
)
def seeded(case: LayerCase) -> None:
    """The layer is built several times with one seed and once with another; params and state are compared.

    Equal values for two seeds fail only if the layer creates a generator itself. Then two copies are called eight
    times in turn, in training and in evaluation mode; their outputs are equal bit for bit.
    """
    make = case.make
    if make is not None and case.layer.attribute("build", of_class=True) is not None:
        location, array = case.location("build"), "the built layer"

        def sample(rng: np.random.Generator) -> Array:
            return _all_arrays(make(rng))

        one, two = check_seeded(case.layer, sample, case.seed, location=location, array=array)
        if np.array_equal(one, two) and creates_generator(case.layer, sample, case.seed):
            raise fixed_seed(array, location)
    for training in (True, False):
        first, second = case.fresh(training), case.fresh(training)
        for expected, actual in zip(outputs_of(first, case.x), outputs_of(second, case.x), strict=True):
            check_equal(case, "seeded", "forward", "output", actual, expected, CAUSE, "from an identical copy")


def _all_arrays(layer: Subject) -> Array:
    """The entries of params and state, in one row."""
    arrays = [*layer.params.values(), *layer.state.values()]
    return np.concatenate([np.ravel(array) for array in arrays] or [np.zeros(0)])
