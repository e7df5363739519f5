"""The laws of what moves without a gradient: nothing but what decays, and of that only what `decays` tells."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizers import CLOSE, LR, ROUNDING, SIZE, draw, fresh, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.hyperparameters import read
from nnlaw.spec.violation import DoesNotApply, Violation


@law(
    "zero-gradient-still",
    kind="optimizer",
    family="convergence",
    statement="Without a gradient nothing moves from a fresh state, but for a decay, which only shrinks.",
    rests_on=("state",),
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
                where=case.where("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]:.6g} after {step + 1} steps of a zero gradient, from {w[at]:g}",
                expected=expected,
                cause=cause,
            )


@law(
    "decays",
    kind="optimizer",
    family="convergence",
    statement="Weights whose entry in `decays` is 0 do not decay, where it reads that; it steps where nothing is told.",
    rests_on=("zero-gradient-still",),
)
def decays(case: OptimizerCase) -> None:
    """Without a gradient: all weights decay, none, and every other one."""
    untold = case.make()
    w = draw(case, 1)[0] + np.float32(30)
    if hasattr(untold, "decays") and not is_finite(walked(untold, w, draw(case, 2))):
        raise _wrong(case, "w where nothing is told of decays", "not finite", "a step", "")
    every, none = _decayed(case, w, np.ones(SIZE)), _decayed(case, w, np.zeros(SIZE))
    if np.array_equal(every, none, equal_nan=True):
        raise DoesNotApply("no weight decays, or all do whatever is told")
    spared = np.arange(SIZE) % 2 == 0
    for path, still in ((none, np.ones(SIZE, bool)), (_decayed(case, w, 1.0 - spared), spared)):
        off = ~(np.abs(path - w) <= CLOSE * np.abs(w)) & still
        if off.any():
            step, at = first_index(off)
            actual = f"{path[step, at]:.6g} after {step + 1} steps of a zero gradient, from {w[at]:.6g}"
            cause = "a decay that is not multiplied by decays"
            raise _wrong(case, f"w[{at}], at which decays is 0", actual, "the same as before", cause)


def _decayed(case: OptimizerCase, w: Array, told: Array) -> Array:
    optimizer = case.make()
    optimizer.decays = told.astype(np.float32)
    return walked(optimizer, w, [np.zeros(SIZE, np.float32)] * 3, LR / 10)


def _wrong(case: OptimizerCase, array: str, actual: str, expected: str, cause: str) -> Violation:
    return Violation("decays", where=case.where("step"), array=array, actual=actual, expected=expected, cause=cause)
