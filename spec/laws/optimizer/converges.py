"""An optimizer must be able to minimize a quadratic.

It finds momentum that never decays, and steps that shrink to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import SIZE, fresh
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation

RATES = (0.1, 0.01, 1.0, 0.001, 10.0)
ENOUGH = 0.01  # of the first loss may remain


@law(
    "converges",
    kind="optimizer",
    family="learning",
    statement="On a quadratic, the loss falls to a hundredth with at least one of five learning rates.",
    why="An optimizer that fails on the easiest convex problem won't train a network, though each single step may look "
    "right.",
    depends_on=("first-step",),
)
def converges(case: OptimizerCase) -> None:
    """Minimize Σ aᵢwᵢ²/2, with aᵢ from 0.5 to 2 and six weights of ±1. With one of the learning rates 0.1, 0.01, 1,
    0.001 and 10, the mean loss of 100 steps must fall to 1% of the first loss within 1000 steps.
    """
    slope = np.linspace(0.5, 2, SIZE).astype(np.float32)
    start = np.where(case.rng.random(SIZE) < 0.5, 1, -1).astype(np.float32)
    best = np.inf
    for lr in RATES:
        optimizer, w = fresh(case), start.copy()
        for _ in range(10):
            left = _descend(optimizer, w, slope, lr, 100) / float(slope @ start**2)
            best = min(best, left)
            if left <= ENOUGH:
                return
            if not np.isfinite(left):
                break
    raise Violation(
        "converges",
        location=case.location("step"),
        array="the loss on a quadratic",
        actual=f"at best {best:.3g} of the first loss, after 1000 steps at each of five learning rates",
        expected=f"at most {ENOUGH:g} of it",
        cause="often momentum without its factor β, so that it never decays, or steps that shrink to nothing",
        cause_code="no-convergence",
    )


def _descend(optimizer: Any, w: Array, slope: Array, lr: float, steps: int) -> float:
    total = 0.0
    with np.errstate(all="ignore"):
        for _ in range(steps):
            optimizer.step(w, slope * w, lr)
            total += float(slope @ w**2)
    return total / steps
