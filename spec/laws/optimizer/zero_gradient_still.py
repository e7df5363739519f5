"""Without a gradient nothing moves from a fresh state, but for a decay, which only shrinks."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, ROUNDING, SIZE, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.hyperparameters import read
from nnlaw.spec.violation import Violation


@law(
    "zero-gradient-still",
    kind="optimizer",
    family="gradient",
    statement="Without a gradient nothing moves from a fresh state, but for a decay, which only shrinks.",
    depends_on=("state",),
)
def zero_gradient_still(case: OptimizerCase) -> None:
    """Weights so large beside lr that no decay overshoots. The first step stays within lr·max(1, |w|)."""
    w = np.array([0.0, 0.0, 20.0, -20.0, 50.0, -50.0], np.float32)
    lr, zero = 0.01, np.zeros(SIZE, np.float32)
    path = walked(fresh(case), w, [zero] * 3, lr)
    told = read(case.make(), {"decay": 0.0})
    off = not told.untold and not any(told.candidates["decay"])
    size, moved = np.abs(w), np.abs(path - w)
    grown = (np.abs(path) > size * (1 + CLOSE)) & (w != 0)
    drift = "a decay that is said to be off" if off else "a memory that does not start at 0"
    for wrong, expected, cause in (
        (moved > CLOSE * size if off else moved > CLOSE * np.where(w == 0, 1, np.inf), "the same as before", drift),
        (grown, "no larger than before", "a weight decay of the wrong sign: w grows"),
        (
            moved[:1] > lr * np.maximum(1, size) * (1 + ROUNDING),
            f"changed by at most lr·max(1, |w|), lr = {lr:g}",
            "a weight decay that is not multiplied by lr",
        ),
    ):
        if wrong.any():
            step, at = first_index(wrong)
            raise Violation(
                "zero-gradient-still",
                location=case.location("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]:.6g} after {step + 1} steps of a zero gradient, from {w[at]:g}",
                expected=expected,
                cause=cause,
            )
