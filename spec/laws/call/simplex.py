"""Rows that are claimed to be probabilities are non-negative and sum to 1."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.contracts.call import Call
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import SIMPLEX_TOLERANCE


@law(
    "simplex",
    kind="call",
    family="numerics",
    tier="call",
    statement="Rows that are claimed to be probabilities are non-negative and sum to 1.",
    depends_on=("shape", "finite"),
)
def rows_sum_to_one(call: Call) -> None:
    """Sum over the last axis, in float64, against a tolerance that fits the dtype."""
    for name, array in call.outputs.items():
        sums = array.sum(axis=-1, dtype=np.float64)
        tolerance = SIMPLEX_TOLERANCE[array.dtype.itemsize] if array.dtype.kind == "f" else 0.0
        off = np.abs(sums - 1) > tolerance
        if off.any():
            at = first_index(off)
            raise call.violation(
                "simplex",
                array=f"{name} row",
                index=at,
                actual=f"summing to {sums[at]:.6g}",
                expected="sum 1",
                cause="a softmax that is not normalized, or normalized over the wrong axis",
            )
        if (array < 0).any():
            at = first_index(array < 0)
            raise call.violation(
                "simplex", array=name, index=at, actual=f"{array[at]:.6g}", expected="a probability, at least 0"
            )
