"""A metric with a standard name must stay within its bounds, and be best for perfect predictions.

It finds percentages instead of fractions, the share of wrong predictions under the name accuracy, and wrong signs.
"""

from __future__ import annotations

from math import isfinite

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import CLASSES, definition_of, failure, predictions
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable

PERCENT = Cause("percentage", "often a percentage instead of a fraction")
OPPOSITE = Cause("opposite-metric", "often the share of wrong predictions instead of correct ones, or the sign")


@law(
    "metric-known",
    kind="metric",
    family="numerics",
    statement="A metric with a standard name stays within its bounds, and is best for perfect predictions.",
    why="An error rate under the name accuracy selects the worst checkpoint as the best.",
    depends_on=("permutation",),
)
def metric_known(case: MetricCase) -> None:
    """Call the metric on 20 random batches of 40 samples, half of them predicted correctly, and on nearly certain
    predictions that are all correct. Both values must lie within the bounds of the definition, and the second must not
    be worse than the first.
    """
    name, row = definition_of(case)
    rng = case.rng
    sign = 1 if row.higher_is_better else -1
    for _ in range(20):
        p, y = predictions(rng)
        value, best = case(p, y), case(perfect(y), y)
        if np.ndim(value):
            raise NotApplicable("its value is an array")
        value, best = float(value), float(best)
        if not case.registered and not isfinite(value):
            continue  # 0/0 where the textbook has it, too
        for found in (value, best):
            if not row.minimum - 1e-6 <= found <= row.maximum + 1e-6:
                expected = f"a value in [{row.minimum:g}, {row.maximum:g}]"
                raise failure(case, "metric-known", name, f"{found:.6g}", expected, PERCENT if found > 10 else NO_CAUSE)
        if not sign * best >= sign * value:
            bound = "at least" if sign > 0 else "at most"
            raise failure(
                case,
                "metric-known",
                f"{name} of perfect predictions",
                f"{best:.6g}",
                f"{bound} {value:.6g}, the value if half of the predictions are wrong",
                OPPOSITE,
            )


def perfect(labels: Array) -> Array:
    """Nearly certain and correct predictions: (N, C) float32."""
    return (0.999 * np.eye(CLASSES)[labels] + 0.001 / CLASSES).astype(np.float32)
