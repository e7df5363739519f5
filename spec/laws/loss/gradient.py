"""The gradient of a loss must be the gradient of the number that forward returns, divided by N exactly once.

It finds wrong signs and factors, a missing or doubled division by the batch size, and gradients that are right only
for some batch shapes or only for small logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.batch_size_probe import loss_factor_at_larger_batch
from nnlaw.spec.gradcheck.finite_differences import measure, raise_if_wrong
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import batches
from nnlaw.spec.reference import numeric_constants
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.subjects.subject import Change, Point, Subject
from nnlaw.spec.violation import Cause, Violation

BROADCAST = Cause("broadcast-column", "a column (N, 1) meets a vector (N,), and NumPy broadcasts them to (N, N)")


@law(
    "gradient",
    kind="loss",
    family="gradient",
    statement="backward returns the gradient of the loss that forward returns, for extreme predictions as well.",
    why="Every gradient of the network starts here. With a wrong sign the network diverges; with a wrong factor it "
    "trains at another learning rate than the one that was set.",
    depends_on=("loss-mean", "repeatable-backward"),
)
def gradient(case: LossCase) -> None:
    """Compare backward with central differences of the loss, in float64, for the predictions times 1, 5, 40 and −40,
    within the declared domain. Tried with the batch as it is, with N = C, with N = C + 1 and with C = 1. Code that is
    not registered declares no domain; it is compared at predictions of usual size, in batches (5, 3) and (4, 6),
    and (5, 1) if its targets are numbers.
    """
    typical = 0.0  # far out a loss may be almost 0 while terms of its usual size cancel in it
    for scale in (1.0, 5.0, 40.0, -40.0) if case.registered else (1.0,):
        for given, target in batches(case) if case.registered else [(case.prediction, case.target)]:
            point = np.ascontiguousarray(inside_domain(case.loss, scale * given, given))
            loss, probe = case.fresh(), case.fresh()
            rows = [slice(i, i + 1) for i in range(len(point))] if case.registered else [slice(None)]
            each = [abs(float(loss.forward(point[row], target[row]))) for row in rows]
            typical = max(typical, float(np.mean(each)))
            probe.forward(point, target)
            slope = np.asarray(probe.backward())
            if slope.shape != point.shape:
                raise Violation(
                    "gradient",
                    location=case.location("backward"),
                    array=f"d {case.array}",
                    actual=f"of shape {slope.shape}",
                    expected=f"{point.shape}, the shape of the {case.array}",
                )
            evaluate = partial(_losses, loss, point, target)
            found = measure(evaluate, point, slope, name=f"d {case.array}", scale=typical, rng=case.rng)
            clues = Clues(constants=partial(numeric_constants, loss))
            if case.array == "prediction":
                clues.prediction, clues.target = point.copy(), target
                clues.other_factor = partial(loss_factor_at_larger_batch, case, point, target)
            try:
                raise_if_wrong(
                    found,
                    location=case.location("backward"),
                    samples=len(point),
                    gradient=slope,
                    clues=clues,
                    forward=case.location("forward"),
                )
            except Violation as violation:
                if not case.registered and loss.has("broadcasts") and loss.call("broadcasts", point, target):
                    raise violation.with_fields(cause=BROADCAST.text, cause_code=BROADCAST.code) from None
                raise


def _losses(loss: Subject, prediction: Array, target: Array, points: Sequence[Point]) -> list[float]:
    """The loss at each point of the prediction."""
    changes: list[Change] = [(0, point) for point in points]
    return [float(value) for value in loss.sweep("forward", [prediction, target], changes, fresh=False)]
