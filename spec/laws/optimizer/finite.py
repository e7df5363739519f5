"""Weights must stay finite for every finite gradient.

It finds a missing ε in a denominator, and a step count that starts at 0, so that 1 − βᵗ is 0.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import fresh, random_gradients, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation, counted

STEP_COUNT = Cause("step-count-from-zero", "often a division by 1 − βᵗ = 0, because t counts from 0")
MISSING_EPSILON = Cause("missing-epsilon", "often a division by 0, because ε is missing in the denominator")


@law(
    "finite",
    kind="optimizer",
    family="numerics",
    statement="Weights stay finite for every finite gradient: zero, tiny or huge.",
    why="Units that are inactive for a batch have a gradient of exactly 0. Without an ε in the denominator, their "
    "first step is 0/0.",
    depends_on=("step-in-place",),
)
def finite(case: OptimizerCase) -> None:
    """Take three steps from random weights, with random gradients of size 1, 0, 1e-30 and 1e4, in float32."""
    w = random_gradients(case, 1)[0]
    for scale in (1.0, 0.0, 1e-30, 1e4):
        path = walked(fresh(case), w, random_gradients(case, 3, scale))
        if not is_finite(path):
            step, at = first_index(~np.isfinite(path))
            cause = MISSING_EPSILON if scale < 1 else STEP_COUNT if scale == 1 and step == 0 else NO_CAUSE
            raise Violation(
                "finite",
                location=case.location("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]} after {counted(step + 1, 'step')} with a gradient of size {scale:g}",
                expected="a finite number",
                cause=cause.text,
                cause_code=cause.code,
            )
