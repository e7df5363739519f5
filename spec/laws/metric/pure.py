"""The same predictions have the same value, whatever was judged before."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import SAMPLES, broken, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "pure",
    kind="metric",
    family="state",
    statement="The same predictions have the same value, whatever was judged before.",
    depends_on=("input-untouched",),
)
def pure(case: MetricCase) -> None:
    """Once, then after other predictions."""
    first = float(case(*predictions(case.rng)))
    case(*predictions(np.random.default_rng(case.seed + 1), SAMPLES // 2))
    again = float(case(*predictions(case.rng)))
    if again != first:
        raise broken(
            case,
            "pure",
            "the value",
            f"{again:.6g} when asked again",
            f"{first:.6g}, as the first time",
            "a total kept from call to call, or randomness",
        )
