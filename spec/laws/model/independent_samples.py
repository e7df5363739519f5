"""A prediction depends on its own sample alone."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "independent-samples",
    kind="model",
    family="shape",
    statement="A prediction depends on its own sample alone.",
    depends_on=("train-eval",),
)
def independent_samples(case: ModelCase) -> None:
    """A batch against its samples one at a time, and in reverse order."""
    model, x = case.fresh(), case.x[:8]
    together = np.array(model.predict(x))
    alone = np.concatenate([model.predict(x[i : i + 1]) for i in range(len(x))])
    turned = np.array(model.predict(x[::-1]))[::-1]
    for found, company in ((together, f"in a batch of {len(x)}"), (turned, "in a batch in reverse order")):
        off = ~np.isclose(found, alone, rtol=1e-3, atol=1e-5)
        if off.any():
            at = first_index(off)
            actual, wanted = f"{found[at]:.6g} {company}", f"{alone[at]:.6g}, as for that sample alone"
            cause = "statistics of the batch in place of running ones, or a normalization over the wrong axis"
            accuse(case, "independent-samples", "probabilities", actual, wanted, cause, at)
