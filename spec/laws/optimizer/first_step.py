"""The first step must go against the gradient, and a smaller gradient must not make it longer.

It finds a wrong sign, an update that ignores lr, a missing square root, and an ε with the wrong sign.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.law import law
from nnlaw.spec.laws.optimizer._shared import CLOSE, LR, PATIENCE, ROUNDING, SIZE, fresh, random_gradients, walked
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

SCALES = (1.0, 1e-3, 1e-5, 1e-7)  # sizes of gradients; one of them is near any usual ε
IGNORES_LR = Cause("ignores-lr", "the update ignores the lr that is passed to step")
UPHILL = Cause("wrong-sign", "often a wrong sign: w += lr·g climbs")
MISSING_ROOT = Cause("missing-square-root", "often a missing square root in the denominator")
EPSILON_SIGN = Cause("epsilon-sign", "often an ε with the wrong sign")


@law(
    "first-step",
    kind="optimizer",
    family="learning",
    statement="The first step goes against the gradient, is not longer for a smaller one, and is 0 for lr = 0.",
    why="An update with the wrong sign maximizes the loss; one that ignores lr can't be scheduled.",
    depends_on=("zero-gradient-still",),
)
def first_step(case: OptimizerCase) -> None:
    """Take the first step that moves anything, at most 32 steps with a constant gradient g, from w = 0 with lr = 0.1.
    Δw·g must be negative for g and −g; a tenth of the gradient must not give a longer step, for gradients of size 1
    down to 1e-7; with lr = 0 weights must not move. If `first_step` is declared, Δw must be −lr·first_step(g), within
    1e-3.
    """
    w, g = random_gradients(case, 2)
    g += np.sign(g) / 2  # no entry is so small that ε hides how the step depends on its size
    still = first_move(fresh(case), w, g, 0.0)
    if (np.abs(still) > CLOSE * np.abs(w)).any():
        raise _wrong(case, f"{np.linalg.norm(still):.4g} long with lr = 0", "0", IGNORES_LR)
    origin = np.zeros(SIZE, np.float32)
    for slope in (-g, g):
        move = first_move(fresh(case), origin, slope)
        if not move.any():
            raise NotApplicable("it does not move from w = 0")
        if not move @ slope < 0:
            cause = UPHILL if move @ slope > 0 else NO_CAUSE
            raise _wrong(case, f"uphill: Δw·g = {move @ slope:.4g}", "Δw·g < 0, against the gradient", cause)
    for scale in SCALES:
        shorter, longer = (first_move(fresh(case), origin, np.float32(k * scale) * g) for k in (1, 10))
        ratio = float(np.linalg.norm(shorter) / np.linalg.norm(longer)) if longer.any() else np.inf
        if shorter.any() and not ratio <= 1 + ROUNDING:
            cause = MISSING_ROOT if np.isclose(ratio, 10, rtol=0.3) else NO_CAUSE if scale == 1 else EPSILON_SIGN
            raise _wrong(case, f"{ratio:.4g} times as long for a tenth of the gradient", "at most as long", cause)
    declared = declared_value(fresh(case), "first_step", of_class=True)
    if declared is not None:
        expected = -LR * np.asarray(declared(g), np.float64)
        if not np.allclose(move, expected, rtol=ROUNDING, atol=ROUNDING * np.abs(expected).max()):
            at = int(np.argmax(np.abs(move - expected)))
            promised = f"{expected[at]:.6g}, the declared −lr·first_step(g)"
            raise _wrong(case, f"Δw[{at}] = {move[at]:.6g}", promised, NO_CAUSE)


def _wrong(case: OptimizerCase, actual: str, expected: str, cause: Cause) -> Violation:
    return Violation(
        "first-step",
        location=case.location("step"),
        array="the first step",
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )


def first_move(optimizer: Subject, w: Array, g: Array, lr: float = LR) -> Array:
    """Δw of the first step that moves anything, with a constant gradient; zeros if no step does."""
    path = [w, *walked(optimizer, w, [g] * PATIENCE, lr)]
    moves = (after.astype(np.float64) - before for before, after in pairwise(path))
    return next((move for move in moves if move.any()), np.zeros(SIZE))
