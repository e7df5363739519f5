"""With a gradient of zero, a new optimizer must not move the weights, except to let them decay.

It finds weight decay with the wrong sign or without the learning rate, and memory that does not start at 0.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, ROUNDING, SIZE, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.hyperparameters import infer_hyperparameters
from nnlaw.spec.violation import Cause, Violation, counted

DECAY_WHILE_OFF = Cause("decay-while-off", "weights decay although weight decay is 0")
NONZERO_START = Cause("nonzero-start", "often a memory that does not start at 0")
WRONG_SIGN = Cause("decay-sign", "often weight decay with the wrong sign, so that weights grow")
WITHOUT_LR = Cause("decay-without-lr", "often weight decay that is not multiplied by lr")


@law(
    "zero-gradient-still",
    kind="optimizer",
    family="learning",
    statement="A zero gradient does not move weights from a new state; weight decay may only shrink them.",
    why="Weight decay with the wrong sign or without lr makes weights grow or vanish slowly, which looks like a bad "
    "learning rate.",
    depends_on=("state",),
)
def zero_gradient_still(case: OptimizerCase) -> None:
    """Take three steps with a zero gradient and lr = 0.01, from weights 0, ±20 and ±50. No weight may grow; a weight of
    0 must stay 0, and so must every weight if weight decay is 0; the first step may change w by at most
    lr·max(1, |w|).
    """
    w = np.array([0.0, 0.0, 20.0, -20.0, 50.0, -50.0], np.float32)
    lr, zero = 0.01, np.zeros(SIZE, np.float32)
    path = walked(fresh(case), w, [zero] * 3, lr)
    declared = infer_hyperparameters(case.make(), {"decay": 0.0})
    off = not declared.missing and not any(declared.candidates["decay"])
    size, moved = np.abs(w), np.abs(path - w)
    grown = (np.abs(path) > size * (1 + CLOSE)) & (w != 0)
    drifted = moved > CLOSE * size if off else moved > CLOSE * np.where(w == 0, 1, np.inf)
    for wrong, expected, cause in (
        (drifted, "the same as before", DECAY_WHILE_OFF if off else NONZERO_START),
        (grown, "not larger than before", WRONG_SIGN),
        (
            moved[:1] > lr * np.maximum(1, size) * (1 + ROUNDING),
            f"a change of at most lr·max(1, |w|) with lr = {lr:g}",
            WITHOUT_LR,
        ),
    ):
        if wrong.any():
            step, at = first_index(wrong)
            raise Violation(
                "zero-gradient-still",
                location=case.location("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]:.6g} after {counted(step + 1, 'step')} with a zero gradient, from {w[at]:g}",
                expected=expected,
                cause=cause.text,
                cause_code=cause.code,
            )
