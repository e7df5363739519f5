"""A metric must be one finite number.

It finds metrics that return one value per sample, None, or nan.
"""

from __future__ import annotations

from math import isfinite
from numbers import Real

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import failure, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law(
    "finite",
    kind="metric",
    family="numerics",
    statement="A metric is one finite number.",
    why="Metrics are written to files, compared and plotted; an array or nan fails there, after training.",
)
def finite(case: MetricCase) -> None:
    """Call the metric on 40 predictions for four classes, each of which occurs."""
    value = case(*predictions(case.rng))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not (isinstance(value, Real) and isfinite(value)):
        shape = getattr(value, "shape", ())
        found = f"an array of shape {shape}" if shape else f"{value!r}"
        raise failure(case, "finite", "the value", found, "one finite number")
