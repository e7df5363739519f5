"""What bears a standard name stays within its bounds, and is best where every prediction is right."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import CLASSES, broken, predictions, standard
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "metric-known",
    kind="metric",
    family="numerics",
    statement="What bears a standard name stays within its bounds, and is best where every prediction is right.",
    depends_on=("permutation",),
)
def metric_known(case: MetricCase) -> None:
    """Twenty batches, against a prediction that is nearly certain and always right."""
    name, row = standard(case)
    rng = case.rng
    sign = 1 if row.more_is_better else -1
    for _ in range(20):
        p, y = predictions(rng)
        value, best = float(case(p, y)), float(case(perfect(y), y))
        for found in (value, best):
            if not row.least - 1e-6 <= found <= row.most + 1e-6:
                cause = "a percentage in place of a share" if found > 10 else ""
                raise broken(case, "metric-known", name, f"{found:.6g}", f"in [{row.least:g}, {row.most:g}]", cause)
        if not sign * best >= sign * value:
            bound = "at least" if sign > 0 else "at most"
            raise broken(
                case,
                "metric-known",
                f"{name} of a perfect prediction",
                f"{best:.6g}",
                f"{bound} {value:.6g}, that of a prediction half of which is wrong",
                "more and less are exchanged: the share of wrong answers for that of right ones, or the sign",
            )


def perfect(labels: Array) -> Array:
    """Nearly certain and always right: (N, C) float32."""
    return (0.999 * np.eye(CLASSES)[labels] + 0.001 / CLASSES).astype(np.float32)
