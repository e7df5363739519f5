"""Weights stay finite whatever finite gradient comes: none, a tiny or a huge one."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import draw, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation


@law(
    "finite",
    kind="optimizer",
    family="numerics",
    statement="Weights stay finite whatever finite gradient comes: none, a tiny or a huge one.",
    depends_on=("step-in-place",),
)
def finite(case: OptimizerCase) -> None:
    """Three steps each of gradients of size 0, 1e-30, 1 and 1e4, in float32."""
    w = draw(case, 1)[0]
    for scale in (1.0, 0.0, 1e-30, 1e4):
        path = walked(fresh(case), w, draw(case, 3, scale))
        if not is_finite(path):
            step, at = first_index(~np.isfinite(path))
            raise Violation(
                "finite",
                location=case.location("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]} after {step + 1} steps of a gradient of size {scale:g}",
                expected="a finite number",
                cause="a division by zero: t that counts from 0, so that 1 − βᵗ = 0"
                if scale == 1 and step == 0
                else "a division by zero: ε is missing"
                if scale < 1
                else "",
            )
