"""The order of the samples does not matter."""

from __future__ import annotations

from math import isclose

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import broken, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "permutation",
    kind="metric",
    family="state",
    statement="The order of the samples does not matter.",
    depends_on=("pure",),
)
def permutation(case: MetricCase) -> None:
    """Five random orders, up to roundoff."""
    p, y = predictions(case.rng)
    value = float(case(p, y))
    rng = case.rng
    for _ in range(5):
        order = rng.permutation(len(y))
        found = float(case(p[order], y[order]))
        if not isclose(found, value, rel_tol=1e-4, abs_tol=1e-6):
            raise broken(case, "permutation", "the value", f"{found:.6g} in another order", f"{value:.6g}, as before")
