"""A metric must depend on its arguments only.

It finds totals that are kept from call to call, and randomness.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import SAMPLES, failure, predictions
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import Cause

KEPT_TOTAL = Cause("depends-on-calls", "often a total that is kept from call to call, or randomness")


@law(
    "pure",
    kind="metric",
    family="state",
    statement="The same predictions give the same value, independent of earlier calls.",
    why="A value that depends on earlier calls changes with the number of epochs, and with who else calls the metric.",
    depends_on=("input-untouched",),
)
def pure(case: MetricCase) -> None:
    """Call the metric twice on the same predictions, with a call on other predictions in between."""
    first = float(case(*predictions(case.rng)))
    case(*predictions(np.random.default_rng(case.seed + 1), SAMPLES // 2))
    second = float(case(*predictions(case.rng)))
    if second != first:
        actual, expected = f"{second:.6g} at the second call", f"{first:.6g}, as at the first"
        raise failure(case, "pure", "the value", actual, expected, KEPT_TOTAL)
