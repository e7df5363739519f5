"""Probabilities and labels are left as they were handed in."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import broken, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "input-untouched",
    kind="metric",
    family="domain",
    statement="Probabilities and labels are left as they were handed in.",
    depends_on=("finite",),
)
def input_untouched(case: MetricCase) -> None:
    """Compared after the call."""
    given, known = predictions(case.rng), predictions(case.rng)
    case(*given)
    for name, after, before in zip(("probabilities", "labels"), given, known, strict=True):
        if not np.array_equal(after, before):
            raise broken(case, "input-untouched", name, "changed by the call", "as handed in", "a sort in place")
