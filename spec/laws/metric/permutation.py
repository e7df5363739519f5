"""A metric must not depend on the order of the samples.

It finds predictions that are compared with the label of another sample.
"""

from __future__ import annotations

from math import isclose

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import failure, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "permutation",
    kind="metric",
    family="numerics",
    statement="The order of the samples does not change the value.",
    why="A metric that depends on the order usually pairs predictions with the wrong labels.",
    depends_on=("pure",),
)
def permutation(case: MetricCase) -> None:
    """Call the metric with 40 samples in five random orders; values must agree within a relative error of 1e-4."""
    p, y = predictions(case.rng)
    value = float(case(p, y))
    rng = case.rng
    for _ in range(5):
        order = rng.permutation(len(y))
        found = float(case(p[order], y[order]))
        if not isclose(found, value, rel_tol=1e-4, abs_tol=1e-6):
            raise failure(case, "permutation", "the value", f"{found:.6g} in another order", f"{value:.6g}, as before")
