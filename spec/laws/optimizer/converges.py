"""On a quadratic bowl it goes downhill and gets there, at one learning rate of five."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import SIZE, fresh
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation

RATES = (0.1, 0.01, 1.0, 0.001, 10.0)
THERE = 0.01  # of the first loss may be left at the end


@law(
    "converges",
    kind="optimizer",
    family="gradient",
    statement="On a quadratic bowl it goes downhill and gets there, at one learning rate of five.",
    depends_on=("first-step",),
)
def converges(case: OptimizerCase) -> None:
    """½ Σ aᵢwᵢ², a from ½ to 2, until the mean loss of a hundred steps is a hundredth of the first."""
    slope = np.linspace(0.5, 2, SIZE).astype(np.float32)
    start = np.where(case.rng.random(SIZE) < 0.5, 1, -1).astype(np.float32)
    best = np.inf
    for lr in RATES:
        optimizer, w = fresh(case), start.copy()
        for _ in range(10):
            left = _descend(optimizer, w, slope, lr, 100) / float(slope @ start**2)
            best = min(best, left)
            if left <= THERE:
                return
            if not np.isfinite(left):
                break
    raise Violation(
        "converges",
        location=case.location("step"),
        array="the loss on a quadratic bowl",
        actual=f"{best:.3g} of the first at best, after 1000 steps at each of five learning rates",
        expected=f"at most {THERE:g} of it",
        cause="a memory that never fades (momentum without β), or steps that shrink to nothing",
    )


def _descend(optimizer: Any, w: Array, slope: Array, lr: float, steps: int) -> float:
    total = 0.0
    with np.errstate(all="ignore"):
        for _ in range(steps):
            optimizer.step(w, slope * w, lr)
            total += float(slope @ w**2)
    return total / steps
