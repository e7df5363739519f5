"""A prediction must depend on its own sample only.

Finds batch statistics used while predicting, and normalization over the wrong axis.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "coupled-samples", "often batch statistics in place of running statistics, or a normalization over the wrong axis"
)


@law(
    "independent-samples",
    kind="model",
    family="shape",
    statement="A prediction must depend on its own sample only.",
    why="Otherwise the test accuracy depends on the batch size and the order of the test set, and a single image gets "
    "another prediction in use than in the test.",
    depends_on=("train-eval",),
)
def independent_samples(case: ModelCase) -> None:
    """Up to eight samples are predicted as a batch, as a batch in reverse order, and one at a time.

    Probabilities are compared with a relative tolerance of 1e-3.
    """
    model, x = case.fresh(), case.x[:8]
    together = np.array(model.predict(x))
    alone = np.concatenate([model.predict(x[i : i + 1]) for i in range(len(x))])
    in_reverse = np.array(model.predict(x[::-1]))[::-1]
    for found, batch in ((together, f"in a batch of {len(x)}"), (in_reverse, "in a batch in reverse order")):
        wrong = ~np.isclose(found, alone, rtol=1e-3, atol=1e-5)
        if wrong.any():
            at = first_index(wrong)
            actual, expected = f"{found[at]:.6g} {batch}", f"{alone[at]:.6g}, as for that sample alone"
            raise violation(case, "independent-samples", "predict", "output", actual, expected, CAUSE, at)
