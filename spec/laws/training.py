"""The laws of a training in progress, judged at every step: drift is caught before it becomes nan."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import ClassVar

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Violation, Where

LONGEST = 1.0  # no update is longer than the weights that it changes
WARM_UP = 5  # steps in which weights that start at zero, or next to it, may grow as they like
SMALL = 0.02  # root mean square of weights next to zero
WORSE = 3.0  # how many times its beginning, or LEVEL where that is more, the smoothed loss may reach
LEVEL = 1.0  # three times next to nothing is still next to nothing
SMOOTHING = 0.9
LEAST_FALL = 0.01  # of the first loss: what all steps together must promise to take from it
PLENTY = 10.0  # times the first loss: what steps may promise before
HIGHER = 1.1  # times the first loss is too high; a plateau lies at it or below
EARLY = 0.25  # of the training, and 10 steps, in which a loss may stay where it is
FEWEST = 10


@dataclass
class ProgressCase(Case):
    """The figures of one step, and the memory that the trend needs. `feed` takes the next step in."""

    kind: ClassVar[str] = "training"
    step: int = 0
    loss: float = 0.0
    ratio: float = 0.0
    started_small: bool = False
    total: int = 0
    """The steps of the whole training; 0 where nobody knows."""
    promised: float = field(default=0.0, init=False)
    first: float = field(default=0.0, init=False)
    smooth: float = field(default=0.0, init=False)

    def copy(self) -> ProgressCase:
        """The same figures, to be kept."""
        return copy(self)

    def feed(self, loss: float, ratio: float, promise: float = 0.0) -> None:
        """Take in the loss of the next step, its update-to-weight ratio, and −g·Δw, by which the step would lower the
        loss if that were a plane."""
        self.step += 1
        self.promised += promise
        self.loss, self.ratio = loss, ratio
        if self.step == 1:
            self.first = self.smooth = loss
        else:
            self.smooth += (1 - SMOOTHING) * (loss - self.smooth)


@law(
    "update-ratio",
    kind="training",
    family="convergence",
    tier="call",
    statement="No update is longer than the weights that it changes: ‖Δw‖ ≤ ‖w‖.",
)
def update_ratio(case: ProgressCase) -> None:
    """A healthy ratio is about 1e-3; weights that start at zero, or next to it, are excused for the first steps."""
    if case.ratio <= LONGEST or (case.started_small and case.step <= WARM_UP):
        return
    raise Violation(
        "update-ratio",
        where=Where(case.path),
        array="‖Δw‖/‖w‖",
        actual=f"{case.ratio:.3g}",
        expected=f"at most {LONGEST:g}; about 1e-3 is healthy",
        cause="a learning rate that is too high: lower it tenfold until the law holds",
        step=case.step,
    )


@law(
    "loss-trend",
    kind="training",
    family="convergence",
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
    where = Where(case.path)
    raise Violation(
        "loss-trend", where=where, array=array, actual=actual, expected=expected, cause=cause, step=case.step
    )
