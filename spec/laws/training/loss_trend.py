"""The smoothed loss falls: it does not climb far above where it began, nor stay there."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Location, Violation

WORSE = 3.0  # how many times its beginning, or LEVEL where that is more, the smoothed loss may reach
LEVEL = 1.0  # three times next to nothing is still next to nothing
LEAST_FALL = 0.01  # of the first loss: what all steps together must promise to take from it
PLENTY = 10.0  # times the first loss: what steps may promise before
HIGHER = 1.1  # times the first loss is too high; a plateau lies at it or below
EARLY = 0.25  # of the training, and 10 steps, in which a loss may stay where it is
FEWEST = 10


@law(
    "loss-trend",
    kind="training",
    family="gradient",
    tier="call",
    statement="The smoothed loss falls: it does not climb far above where it began, nor stay there.",
)
def loss_trend(case: ProgressCase) -> None:
    """An exponential mean over about ten steps, against three times the first loss, or three where that is below 1.

    That the loss stays where it is can be no chance only where the steps tell: they promise Σ −g·Δw. Carried on to the
    end, that must be a hundredth of the first loss; and once it is ten times that loss, the loss must not lie above it.
    Slow is no fault: nothing is said in the first quarter of the training, nor of a plateau.
    """
    if case.smooth > WORSE * max(case.first, LEVEL):
        _accuse(
            case,
            "the smoothed loss",
            f"{case.smooth:.4g}",
            f"at most {WORSE:g} times {'' if case.first >= LEVEL else f'{LEVEL:g}, for below it lies '}"
            f"the first loss, {case.first:.4g}",
            "a learning rate that is too high, or a gradient of the wrong sign",
        )
    if not case.total or case.step < max(FEWEST, EARLY * case.total):
        return
    whole = case.promised / case.step * case.total
    if whole < LEAST_FALL * case.first:
        _accuse(
            case,
            f"the fall that {case.total:,} such steps promise, −Σ g·Δw,",
            f"{whole:.2g}",
            f"at least {LEAST_FALL:g} of the first loss, {case.first:.4g}: it stays where it is",
            "a learning rate that is too small; try a hundred times it",
        )
    if case.promised > PLENTY * case.first and case.smooth > HIGHER * case.first:
        _accuse(
            case,
            "the smoothed loss",
            f"{case.smooth:.4g}, though the steps so far promised to lower it by {case.promised:.4g}",
            f"at most the first loss, {case.first:.4g}, by now",
            "a learning rate that is too high: each step overshoots",
        )


def _accuse(case: ProgressCase, array: str, actual: str, expected: str, cause: str) -> None:
    location = Location(case.path)
    raise Violation(
        "loss-trend", location=location, array=array, actual=actual, expected=expected, cause=cause, step=case.step
    )
