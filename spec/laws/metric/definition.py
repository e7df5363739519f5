"""A metric with a standard name has the textbook's value."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import predictions, standard
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.subjects.hyperparameters import read_settings
from nnlaw.spec.violation import Inconclusive, Violation


@law(
    "definition",
    kind="metric",
    family="numerics",
    statement="A metric with a standard name has the textbook's value.",
    depends_on=("metric-known",),
)
def definition(case: MetricCase) -> None:
    """Five batches; one accepted variant must account for all of them."""
    name, row = standard(case)
    unknown = read_settings(case.thing, case.settings, {}).unknown
    rng = case.rng
    batches = [predictions(rng, samples) for samples in (10, 21, 40, 41, 7)]
    found = [float(case(p, y)) for p, y in batches]
    for variant in row.variants:
        right = [variant(p.astype(np.float64), y) for p, y in batches]
        if np.allclose(found, right, rtol=1e-4, atol=1e-6):
            return
    if unknown:
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}")
    right = [row.variants[0](p.astype(np.float64), y) for p, y in batches]
    at = int(np.argmax(~np.isclose(found, right, rtol=1e-4, atol=1e-6)))
    raise Violation(
        "definition",
        location=case.location,
        array=f"{name} of {len(batches[at][1])} samples",
        actual=f"{found[at]:.6g}",
        expected=f"{right[at]:.6g}",
        cause="a sum where the mean over the samples is due"
        if np.allclose(found, [len(y) * value for (_, y), value in zip(batches, right, strict=True)])
        else "",
    )
