"""Two trainings from the same seed must give the same weights, bit for bit.

Finds initial weights or dropout masks from NumPy's global generator.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import digest
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause

CAUSE = Cause("other-random-source", "often random numbers from another source, such as np.random.rand")


@law(
    "reproducible",
    kind="model",
    family="randomness",
    statement="Two trainings from the same seed must give the same weights, bit for bit.",
    why="A result that can't be repeated can't be debugged: without equal runs it is unclear whether a change of the "
    "code or chance made the difference.",
    depends_on=("gradient",),
)
def reproducible(case: ModelCase) -> None:
    """The model is built twice from generators with the same seed, and takes three plain gradient steps each time."""
    digests = []
    for _ in range(2):
        model = case.make(np.random.default_rng(case.seed))
        for _ in range(3):
            _, grads = model.loss_and_grads(case.x, case.labels)
            for name in model.params:
                model.params[name] = model.params[name] - np.float32(0.05) * np.asarray(grads[name])
        digests.append(digest(dict(model.params)))
    if digests[0] != digests[1]:
        array, actual = "the result of three training steps", "different in two trainings from the same seed"
        raise violation(case, "reproducible", "loss_and_grads", array, actual, "identical values", CAUSE)
