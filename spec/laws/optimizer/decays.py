"""Weights that are excluded from weight decay must not decay.

It finds optimizers that ignore `decays` for some weights, or use its complement.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, LR, SIZE, random_gradients, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation, counted

NOT_MULTIPLIED = Cause("decays-not-used", "often weight decay that is not multiplied by decays")


@law(
    "decays",
    kind="optimizer",
    family="learning",
    statement="Weights whose entry in `decays` is 0 do not decay; without `decays` the optimizer still steps.",
    why="Biases and the gains of normalization layers are usually excluded from weight decay. If the mask is ignored "
    "they shrink toward 0.",
    depends_on=("zero-gradient-still",),
)
def decays(case: OptimizerCase) -> None:
    """Take three steps with a zero gradient, with all weights decaying, with no weight decaying, and with every other
    one. Weights whose entry in `decays` is 0 must stay within a relative change of 1e-6. An optimizer that has the
    attribute must also step before it is set.
    """
    unset = case.make()
    w = random_gradients(case, 1)[0] + np.float32(30)
    if "decays" in unset.attributes() and not is_finite(walked(unset, w, random_gradients(case, 2))):
        raise _wrong(case, "w without decays being set", "not finite", "a step", NO_CAUSE)
    every, no_weight = _decayed(case, w, np.ones(SIZE)), _decayed(case, w, np.zeros(SIZE))
    ignored = np.array_equal(every, no_weight, equal_nan=True)
    if ignored and ("decays" not in unset.attributes() or np.array_equal(every[-1], w)):
        raise NotApplicable("no weight decays, or the optimizer has no attribute decays")
    excluded = np.arange(SIZE) % 2 == 0
    for path, still in ((no_weight, np.ones(SIZE, bool)), (_decayed(case, w, 1.0 - excluded), excluded)):
        off = ~(np.abs(path - w) <= CLOSE * np.abs(w)) & still
        if off.any():
            step, at = first_index(off)
            steps = counted(step + 1, "step")
            actual = f"{path[step, at]:.6g} after {steps} with a zero gradient, from {w[at]:.6g}"
            raise _wrong(case, f"w[{at}], with decays[{at}] = 0,", actual, "the same as before", NOT_MULTIPLIED)


def _decayed(case: OptimizerCase, w: Array, decays: Array) -> Array:
    optimizer = case.make()
    optimizer.set("decays", decays.astype(np.float32))
    return walked(optimizer, w, [np.zeros(SIZE, np.float32)] * 3, LR / 10)


def _wrong(case: OptimizerCase, array: str, actual: str, expected: str, cause: Cause) -> Violation:
    return Violation(
        "decays",
        location=case.location("step"),
        array=array,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )
