"""step changes the array w itself, keeps its shape and dtype, and leaves the gradient alone."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import LR, PATIENCE, draw, fresh
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation


@law(
    "step-in-place",
    kind="optimizer",
    family="shape",
    statement="step changes the array w itself, keeps its shape and dtype, and leaves the gradient alone.",
)
def step_in_place(case: OptimizerCase) -> None:
    """One array is stepped until it moves; the gradient is compared after each step."""
    optimizer, (w, g) = fresh(case), draw(case, 2)
    before, kept, location = w.copy(), g.copy(), case.location("step")
    with np.errstate(all="ignore"):
        for _ in range(PATIENCE):
            returned = optimizer.step(w, g, LR)
            if not np.array_equal(g, kept):
                at = first_index(g != kept)
                raise Violation(
                    "step-in-place",
                    location=location,
                    array="g",
                    index=at,
                    actual=f"{g[at]:.6g} after the step",
                    expected=f"{kept[at]:.6g}, as it was handed in",
                    cause="an in-place operation on the gradient, which belongs to the caller",
                )
            if w.shape != before.shape or w.dtype != before.dtype:
                raise Violation(
                    "step-in-place",
                    location=location,
                    array="w",
                    actual=f"{w.dtype} of shape {w.shape} after the step",
                    expected=f"{before.dtype} of shape {before.shape}, as before",
                )
            if not np.array_equal(w, before):
                return
    raise Violation(
        "step-in-place",
        location=location,
        array="w",
        actual=f"the same after {PATIENCE} steps of a nonzero gradient",
        expected="changed in place, as by w -= ...",
        cause="a new array that is returned, w[...] was not written"
        if returned is not None
        else "w = w - ..., which makes a new array and leaves the caller's alone",
    )
