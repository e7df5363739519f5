"""One seed, one result: two trainings from the same generator agree bit for bit."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import digest
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation


@law(
    "reproducible",
    kind="model",
    family="state",
    statement="One seed, one result: two trainings from the same generator agree bit for bit.",
    depends_on=("gradient",),
)
def reproducible(case: ModelCase) -> None:
    """Build twice from the same generator, take three steps each, compare every bit."""
    digests = []
    for _ in range(2):
        model = case.make(np.random.default_rng(case.seed))
        for _ in range(3):
            _, grads = model.loss_and_grads(case.x, case.labels)
            for name in model.params:
                model.params[name] = model.params[name] - np.float32(0.05) * np.asarray(grads[name])
        digests.append(digest(dict(model.params)))
    if digests[0] != digests[1]:
        raise Violation(
            "reproducible",
            location=case.location("loss_and_grads"),
            array="the weights after 3 steps",
            actual="not the same for two trainings from one seed",
            expected="the same bits twice",
            cause="randomness that does not come from the generator handed in, such as np.random.rand",
        )
