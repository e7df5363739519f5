"""The loss must fall: it must neither rise far above its first value, nor stay there.

Finds learning rates that are much too high or too low, and gradients with the wrong sign.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Location, Violation

MAX_RISE = 3.0  # times the first loss, or times MIN_LEVEL if that is larger: the limit of the smoothed loss
MIN_LEVEL = 1.0  # three times a first loss near 0 is still near 0
MIN_FALL = 0.01  # of the first loss: the decrease that gradients and steps must predict for the whole training
MUCH = 10.0  # times the first loss: once this decrease is predicted, the loss must not be above its first value
ABOVE = 1.1  # times the first loss is above it; a plateau is not
EARLY = 0.25  # of the training, and at least MIN_STEPS steps, in which the loss need not fall
MIN_STEPS = 10


@law(
    "loss-trend",
    kind="training",
    family="learning",
    tier="call",
    statement="The smoothed loss must fall: it must neither rise far above its first value, nor stay there.",
    why="A training that diverges or does not move wastes all the time until the end. It shows within the first "
    "quarter of the steps.",
)
def loss_trend(case: ProgressCase) -> None:
    """The loss is smoothed over about ten steps. It must stay below three times the first loss, or 3 if that is larger.

    After a quarter of the training, −Σ g·Δw, the decrease that gradients and steps predict, is extrapolated to all
    steps and must be at least a hundredth of the first loss. Once the decrease predicted so far is ten times the first
    loss, the smoothed loss must not be above 1.1 times the first loss. A loss that falls slowly passes.
    """
    if case.smooth > MAX_RISE * max(case.first, MIN_LEVEL):
        bound = f"{MAX_RISE:g} times the first loss, {case.first:.4g}"
        if case.first < MIN_LEVEL:
            bound = f"{MAX_RISE * MIN_LEVEL:g}, as the first loss, {case.first:.4g}, is below {MIN_LEVEL:g}"
        raise _violation(
            case,
            "the smoothed loss",
            f"{case.smooth:.4g}",
            f"at most {bound}",
            "often a learning rate that is too high, or a gradient with the wrong sign",
            "learning-rate-too-high",
        )
    if not case.total or case.step < max(MIN_STEPS, EARLY * case.total):
        return
    predicted = case.promised / case.step * case.total
    if predicted < MIN_FALL * case.first:
        raise _violation(
            case,
            f"the decrease of the loss predicted for {case.total:,} steps, −Σ g·Δw,",
            f"{predicted:.2g}",
            f"at least {MIN_FALL:g} of the first loss, {case.first:.4g}",
            "often a learning rate that is too low; try 100 times as much",
            "learning-rate-too-low",
        )
    if case.promised > MUCH * case.first and case.smooth > ABOVE * case.first:
        raise _violation(
            case,
            "the smoothed loss",
            f"{case.smooth:.4g}, although a decrease by {case.promised:.4g} was predicted so far",
            f"at most the first loss, {case.first:.4g}",
            "often a learning rate that is too high, so that each step overshoots",
            "learning-rate-too-high",
        )


def _violation(case: ProgressCase, array: str, actual: str, expected: str, cause: str, cause_code: str) -> Violation:
    return Violation(
        "loss-trend",
        location=Location(case.path),
        array=array,
        actual=actual,
        expected=expected,
        cause=cause,
        cause_code=cause_code,
        step=case.step,
    )
