"""No update is longer than the weights that it changes: ‖Δw‖ ≤ ‖w‖."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Location, Violation

MAX_LENGTH = 1.0  # no update is longer than the weights that it changes
WARM_UP = 5  # steps in which weights that start at zero, or next to it, may grow as they like


@law(
    "update-ratio",
    kind="training",
    family="gradient",
    tier="call",
    statement="No update is longer than the weights that it changes: ‖Δw‖ ≤ ‖w‖.",
)
def update_ratio(case: ProgressCase) -> None:
    """A healthy ratio is about 1e-3; weights that start at zero, or next to it, are excused for the first steps."""
    if case.ratio <= MAX_LENGTH or (case.started_small and case.step <= WARM_UP):
        return
    raise Violation(
        "update-ratio",
        location=Location(case.path),
        array="‖Δw‖/‖w‖",
        actual=f"{case.ratio:.3g}",
        expected=f"at most {MAX_LENGTH:g}; about 1e-3 is healthy",
        cause="a learning rate that is too high: lower it tenfold until the law holds",
        step=case.step,
    )
