"""Weights whose entry in `decays` is 0 do not decay, where it reads that; it steps where nothing is told."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, LR, SIZE, draw, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "decays",
    kind="optimizer",
    family="gradient",
    statement="Weights whose entry in `decays` is 0 do not decay, where it reads that; it steps where nothing is told.",
    depends_on=("zero-gradient-still",),
)
def decays(case: OptimizerCase) -> None:
    """Without a gradient: all weights decay, none, and every other one."""
    untold = case.make()
    w = draw(case, 1)[0] + np.float32(30)
    if hasattr(untold, "decays") and not is_finite(walked(untold, w, draw(case, 2))):
        raise _wrong(case, "w where nothing is told of decays", "not finite", "a step", "")
    every, none = _decayed(case, w, np.ones(SIZE)), _decayed(case, w, np.zeros(SIZE))
    if np.array_equal(every, none, equal_nan=True):
        raise NotApplicable("no weight decays, or all do whatever is told")
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
    location = case.location("step")
    return Violation("decays", location=location, array=array, actual=actual, expected=expected, cause=cause)
