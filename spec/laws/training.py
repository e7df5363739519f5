"""The laws of a training in progress, judged at every step: drift is caught before it becomes nan."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import ClassVar

from spec.cases import Case
from spec.law import law
from spec.violation import Violation, Where

LONGEST = 1.0  # no update is longer than the weights that it changes
WARM_UP = 5  # steps in which weights that start at zero may grow as they like
WORSE = 3.0  # how far above its beginning the smoothed loss may climb
SMOOTHING = 0.9


@dataclass
class ProgressCase(Case):
    """The figures of one step, and the memory that the trend needs. `feed` takes the next step in."""

    kind: ClassVar[str] = "training"
    step: int = 0
    loss: float = 0.0
    ratio: float = 0.0
    started_at_zero: bool = False
    first: float = field(default=0.0, init=False)
    smooth: float = field(default=0.0, init=False)

    def copy(self) -> ProgressCase:
        """The same figures, to be kept."""
        return copy(self)

    def feed(self, loss: float, ratio: float) -> None:
        """Take in the loss and the update-to-weight ratio of the next step."""
        self.step += 1
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
    """A healthy ratio is about 1e-3; weights that start at zero are excused for the first steps."""
    if case.ratio <= LONGEST or (case.started_at_zero and case.step <= WARM_UP):
        return
    raise Violation(
        "update-ratio",
        where=Where(case.path),
        array="‖Δw‖/‖w‖",
        actual=f"{case.ratio:.3g}",
        expected=f"at most {LONGEST:g}; about 1e-3 is healthy",
        cause="a learning rate that is too high; try a tenth of it, or --clip-norm 1",
        step=case.step,
    )


@law(
    "loss-trend",
    kind="training",
    family="convergence",
    tier="call",
    statement="The smoothed loss does not climb far above where it began.",
)
def loss_trend(case: ProgressCase) -> None:
    """An exponential mean over about ten steps against three times the first loss."""
    if case.smooth <= WORSE * max(case.first, 1.0):
        return
    raise Violation(
        "loss-trend",
        where=Where(case.path),
        array="the smoothed loss",
        actual=f"{case.smooth:.4g}",
        expected=f"at most {WORSE:g} times the first loss, {case.first:.4g}",
        cause="a learning rate that is too high, or a gradient of the wrong sign",
        step=case.step,
    )
