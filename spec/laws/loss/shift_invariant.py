"""A loss on softmax depends on differences of logits alone: a shift of a row changes nothing."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.reference import LOSSES, standard
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "shift-invariant",
    kind="loss",
    family="numerics",
    statement="A loss on softmax depends on differences of logits alone: a shift of a row changes nothing.",
    depends_on=("gradient", "stable"),
)
def shift_invariant(case: LossCase) -> None:
    """Another number is added to each row; the rows of the gradient sum to 0."""
    claimed = claim(case.loss, "shift_invariant")
    if claimed is False or not (claimed or standard(case.loss, case.name, LOSSES) == "softmax_cross_entropy"):
        raise NotApplicable("it neither claims shift_invariant nor bears the name softmax_cross_entropy")
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
            expected=f"{here:.6g}, as before the shift" if off else "0",
            cause="something added to the cross-entropy, or a softmax that is not normalized over each row",
        )
