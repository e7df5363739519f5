"""No update may be longer than the weights that it changes: ‖Δw‖ ≤ ‖w‖.

Finds learning rates that are much too high, at the first step that shows it.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ProgressCase
from nnlaw.spec.violation import Location, Violation

MAX_RATIO = 1.0
WARM_UP = 5  # steps in which weights that start at or near 0 may grow at any rate


@law(
    "update-ratio",
    kind="training",
    family="learning",
    tier="call",
    statement="No update may be longer than the weights that it changes: ‖Δw‖ ≤ ‖w‖.",
    why="Such a step replaces what the weights have learned. A healthy ratio is about 1e-3; it shows earlier "
    "than the loss whether the learning rate has the right order of magnitude.",
)
def update_ratio(case: ProgressCase) -> None:
    """The ratio ‖Δw‖ / ‖w‖, measured on a sample of the network's weights, is at most 1; NaN fails.

    The first five steps are not checked if the weights start at or near 0.
    """
    if case.ratio <= MAX_RATIO or (case.started_small and case.step <= WARM_UP):
        return
    raise Violation(
        "update-ratio",
        location=Location(case.path),
        array="‖Δw‖ / ‖w‖",
        actual=f"{case.ratio:.3g}",
        expected=f"at most {MAX_RATIO:g}; about 1e-3 is healthy",
        cause="often a learning rate that is too high; try a tenth of it",
        cause_code="learning-rate-too-high",
        step=case.step,
    )
