"""A softmax cross-entropy must depend on differences of logits only.

It finds terms that were added to the cross-entropy, and a softmax that is not normalized over each row.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.reference import LOSSES, standard_name
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "shift-invariant",
    kind="loss",
    family="numerics",
    statement="A loss on softmax does not change if a number is added to all logits of a row.",
    why="softmax(z + c) = softmax(z). A loss that changes with c is not a loss on the softmax, and it pushes all "
    "logits up or down together.",
    depends_on=("gradient", "stable"),
)
def shift_invariant(case: LossCase) -> None:
    """Add another random number, of size 100, to each row. The loss must stay the same within 1e-6, and each row of
    the gradient must sum to 0. Checked for losses that declare `shift_invariant = True` or are named
    softmax_cross_entropy.
    """
    declared = declared_value(case.loss, "shift_invariant")
    if declared is False or not (declared or standard_name(case.loss, case.name, LOSSES) == "softmax_cross_entropy"):
        raise NotApplicable("shift_invariant is not declared, and it is not named softmax_cross_entropy")
    point = case.prediction.astype(np.float64)
    loss = case.fresh()
    here, slope = float(loss.forward(point, case.target)), np.array(loss.backward())
    there = float(case.fresh().forward(point + 100 * case.rng.standard_normal((len(point), 1)), case.target))
    sums = np.abs(slope.sum(axis=-1))
    off = abs(here - there) > 1e-6 * max(1.0, abs(here))
    if off or sums.max() > 1e-6 * max(1.0, float(np.abs(slope).max())):
        raise Violation(
            "shift-invariant",
            location=case.location("forward" if off else "backward"),
            array="the loss of shifted logits" if off else "the sum of a row of d prediction",
            actual=f"{there:.6g}" if off else f"{sums.max():.6g}",
            expected=f"{here:.6g}, as without the shift" if off else "0",
            cause="often a term that is added to the cross-entropy, or a softmax over the wrong axis",
            cause_code="depends-on-shift",
        )
