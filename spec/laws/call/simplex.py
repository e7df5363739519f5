"""Rows of probabilities must be non-negative and sum to 1.

Finds a softmax that is normalized over the wrong axis or not at all.
"""

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
    statement="Rows of probabilities must be non-negative and sum to 1.",
    why="The cross-entropy and its gradient are derived for probabilities. For other numbers the loss has no meaning, "
    "but it still falls during training.",
    depends_on=("shape", "finite"),
)
def rows_sum_to_one(call: Call) -> None:
    """Every entry is at least 0, and every sum over the last axis, taken in float64, is 1.

    The tolerance of a sum is 5e-3 for float16, 1e-5 for float32 and 1e-12 for float64.
    """
    for name, array in call.outputs.items():
        sums = array.sum(axis=-1, dtype=np.float64)
        tolerance = SIMPLEX_TOLERANCE[array.dtype.itemsize] if array.dtype.kind == "f" else 0.0
        wrong = np.abs(sums - 1) > tolerance
        if wrong.any():
            at = first_index(wrong)
            raise call.violation(
                "simplex",
                array=f"{name}.sum(axis=-1)",
                index=at,
                actual=f"{sums[at]:.6g}",
                expected="1",
                cause="often a softmax that is not normalized, or is normalized over the wrong axis",
                cause_code="not-normalized",
            )
        if (array < 0).any():
            at = first_index(array < 0)
            raise call.violation("simplex", array=name, index=at, actual=f"{array[at]:.6g}", expected="at least 0")
