"""What dropout computes in training mode: some entries become 0, and all others are multiplied by one number."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.reference import Settings
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.hyperparameters import numeric_attributes
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

ENTRIES = 2000  # of x at least, so that the share of zeros is known within a few percent
AMBIGUOUS = ("p", "prob", "probability", "ratio")
"""Names under which code keeps the probability to drop an entry, or that to keep one."""
SWAPPED = Cause("keep-and-drop-swapped", "the probability to drop an entry is used as that to keep it, or the reverse")


def check_dropout(case: LayerCase, note: str) -> None:
    """Compare the share of entries that are kept, and their factor, with the probability that the instance stores.

    Plain and inverted dropout are right: the factor is 1, or 1 over the probability to keep an entry. That probability
    is the argument of a function, or 1 minus it, by its name; for an attribute, or a name such as `p`, both are right.
    """
    repeats = -(-ENTRIES // case.x.size)
    x = np.concatenate([np.where(case.x < 0, case.x - 1, case.x + 1)] * repeats)
    try:
        y = np.asarray(case.fresh(True).forward(x), np.float64)
    except Exception:
        raise NotApplicable("it takes no larger batch") from None
    if y.shape != x.shape or (y != 0).all() or not y.any():
        raise NotApplicable("it drops nothing")
    settings = Settings(numeric_attributes(case.layer))
    keeps = settings.named("keep") + [1 - rate for rate in settings.named("drop")]
    either = [settings.numbers[name] for name in AMBIGUOUS if name in settings.numbers]
    if not case.values_only:  # a class may store 1 minus its argument under the same name
        either += keeps
    keeps = [*either, *(1 - p for p in either)] if either else keeps
    kept = y != 0
    sampled = len(np.unique(kept.reshape(len(y), -1), axis=0)) * y[0].size  # a mask may be that of several samples
    share, factors = float(kept.mean()), (y / x)[kept]
    if np.ptp(factors) > 1e-6 * np.abs(factors).max():
        raise NotApplicable("its factors differ, so it is not dropout with a mask of zeros")
    factor, error = float(factors.mean()), 5 * float(np.sqrt(share * (1 - share) / sampled))
    near = [keep for keep in keeps if abs(keep - share) <= error]
    if keeps and not near:
        swapped = abs(1 - keeps[0] - share) <= error
        _fail(case, "the share of entries that are kept", share, keeps[0], SWAPPED if swapped else NO_CAUSE, note)
    likely = near or [share]
    if abs(factor - 1) > 1e-6 and all(abs(factor * keep - 1) > 1e-2 + (0 if near else error) for keep in likely):
        _fail(case, "the factor of the entries that are kept", factor, 1 / likely[0], NO_CAUSE, note)


def _fail(case: LayerCase, what: str, actual: float, expected: float, cause: Cause, note: str) -> None:
    raise Violation(
        "definition",
        location=case.location("forward"),
        array=what,
        actual=f"{actual:.3g}",
        expected=f"{expected:.3g}",
        cause=cause.text,
        cause_code=cause.code,
        note=note,
    )
