"""step must write into the array w that the caller passes, and must not write into the gradient.

It finds `w = w - ...`, which makes a new array, and in-place operations on the gradient.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import LR, PATIENCE, fresh, random_gradients
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation


@law(
    "step-in-place",
    kind="optimizer",
    family="state",
    statement="step changes the array w in place, keeps its shape and dtype, and does not change the gradient.",
    why="The network holds views of one weight buffer. `w = w - lr * g` only rebinds a local name: nothing is learned, "
    "and no error is raised.",
)
def step_in_place(case: OptimizerCase) -> None:
    """Step one random array with one random gradient until it changes, at most 32 times. The gradient must stay the
    same bit for bit, and w must keep its shape and dtype.
    """
    optimizer, (w, g) = fresh(case), random_gradients(case, 2)
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
                    expected=f"{kept[at]:.6g}, as before the step",
                    cause="an in-place operation on the gradient, which belongs to the caller",
                    cause_code="gradient-changed-in-place",
                )
            if w.shape != before.shape or w.dtype != before.dtype:
                raise Violation(
                    "step-in-place",
                    location=location,
                    array="w",
                    actual=f"{w.dtype} of shape {w.shape} after the step",
                    expected=f"{before.dtype} of shape {before.shape}, as before the step",
                )
            if not np.array_equal(w, before):
                return
    rebound = "often w = w - ..., which makes a new array; use w -= ..."
    raise Violation(
        "step-in-place",
        location=location,
        array="w",
        actual=f"unchanged after {PATIENCE} steps with a nonzero gradient",
        expected="w to change in place",
        cause="step returns a new array; write the result into w, as in w -= ..." if returned is not None else rebound,
        cause_code="returns-new-array" if returned is not None else "new-array",
    )
