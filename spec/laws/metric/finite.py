"""A metric is one finite number."""

from __future__ import annotations

from math import isfinite
from numbers import Real

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.metric._shared import broken, predictions
from nnlaw.spec.subjects.cases import MetricCase


@law("finite", kind="metric", family="numerics", statement="A metric is one finite number.")
def finite(case: MetricCase) -> None:
    """On a batch in which every class stands."""
    value = case(*predictions(case.rng))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not (isinstance(value, Real) and isfinite(value)):
        shape = getattr(value, "shape", ())
        found = f"an array of shape {shape}" if shape else f"{value!r}"
        raise broken(case, "finite", "the value", found, "one finite number")
