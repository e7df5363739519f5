"""The first step goes against the gradient, no farther for a smaller one, nowhere at lr 0; as claimed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, LR, PATIENCE, ROUNDING, SIZE, draw, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import NotApplicable, Violation

FAINT = (1.0, 1e-3, 1e-5, 1e-7)  # gradients among which one is near any usual ε


@law(
    "first-step",
    kind="optimizer",
    family="gradient",
    statement="The first step goes against the gradient, no farther for a smaller one, nowhere at lr 0; as claimed.",
    depends_on=("zero-gradient-still",),
)
def first_step(case: OptimizerCase) -> None:
    """From w = 0, where nothing decays; what `first_step` claims of Δw = −lr·first_step(g) is judged there too."""
    w, g = draw(case, 2)
    g += np.sign(g) / 2  # no entry so small that ε hides what the step makes of its size
    still = first_move(fresh(case), w, g, 0.0)
    if (np.abs(still) > CLOSE * np.abs(w)).any():
        long = f"{np.linalg.norm(still):.4g} long at lr = 0"
        raise _first(case, long, "0", "an update that ignores the lr handed in")
    origin = np.zeros(SIZE, np.float32)
    for slope in (-g, g):
        move = first_move(fresh(case), origin, slope)
        if not move.any():
            raise NotApplicable("it does not move from w = 0")
        if not move @ slope < 0:
            cause = "the sign: w += lr·g climbs" if move @ slope > 0 else ""
            raise _first(case, f"uphill: Δw·g = {move @ slope:.4g}", "Δw·g < 0, against the gradient", cause)
    for scale in FAINT:  # an ε beside which the gradient is next to nothing, and one that is nothing beside it
        shorter, longer = (first_move(fresh(case), origin, np.float32(k * scale) * g) for k in (1, 10))
        ratio = float(np.linalg.norm(shorter) / np.linalg.norm(longer)) if longer.any() else np.inf
        if shorter.any() and not ratio <= 1 + ROUNDING:
            missing, sign = "a square root that is missing in the denominator", "an ε of the wrong sign"
            cause = missing if np.isclose(ratio, 10, rtol=0.3) else "" if scale == 1 else sign
            raise _first(case, f"{ratio:.4g} times as long for a tenth of the gradient", "at most as long", cause)
    claimed = claim(type(fresh(case)), "first_step")
    if claimed is not None:
        wanted = -LR * np.asarray(claimed(g), np.float64)
        if not np.allclose(move, wanted, rtol=ROUNDING, atol=ROUNDING * np.abs(wanted).max()):
            at = int(np.argmax(np.abs(move - wanted)))
            raise _first(case, f"Δw[{at}] = {move[at]:.6g}", f"{wanted[at]:.6g}, −lr·first_step(g) as claimed", "")


def _first(case: OptimizerCase, actual: str, expected: str, cause: str) -> Violation:
    return Violation(
        "first-step",
        location=case.location("step"),
        array="the first step",
        actual=actual,
        expected=expected,
        cause=cause,
    )


def first_move(optimizer: Any, w: Array, g: Array, lr: float = LR) -> Array:
    """Δw of the first step that moves anything under a constant gradient; zeros where none does."""
    path = [w, *walked(optimizer, w, [g] * PATIENCE, lr)]
    moves = (after.astype(np.float64) - before for before, after in pairwise(path))
    return next((move for move in moves if move.any()), np.zeros(SIZE))
