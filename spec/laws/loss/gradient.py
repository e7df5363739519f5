"""backward gives the gradient of the loss that forward reports, divided by N once, at extreme logits too."""

from __future__ import annotations

from functools import partial

import numpy as np

from nnlaw.spec.contracts.claims import within
from nnlaw.spec.gradcheck.batch_size_probe import again_of_loss
from nnlaw.spec.gradcheck.finite_differences import accuse, measure
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.law import law
from nnlaw.spec.laws.loss._shared import batches
from nnlaw.spec.reference import constants
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import Violation


@law(
    "gradient",
    kind="loss",
    family="gradient",
    statement="backward gives the gradient of the loss that forward reports, divided by N once, at extreme logits too.",
    depends_on=("loss-mean", "repeatable-backward"),
)
def gradient(case: LossCase) -> None:
    """Finite differences of the reported number, near and far, right and wrong, for several sizes of the batch."""
    typical = 0.0  # far out a loss may be next to nothing while terms of its usual size still cancel in it
    for scale in (1.0, 5.0, 40.0, -40.0):
        for given, target in batches(case):
            point = np.ascontiguousarray(within(case.loss, scale * given, given))
            loss, probe = case.fresh(), case.fresh()
            each = [abs(float(loss.forward(point[i : i + 1], target[i : i + 1]))) for i in range(len(point))]
            typical = max(typical, float(np.mean(each)))
            probe.forward(point, target)
            slope = np.asarray(probe.backward())
            if slope.shape != point.shape:
                raise Violation(
                    "gradient",
                    location=case.location("backward"),
                    array="d prediction",
                    actual=f"of shape {slope.shape}",
                    expected=f"{point.shape}, the shape of the prediction",
                )
            found = measure(
                lambda at=point, of=loss, to=target: float(of.forward(at, to)),  # type: ignore[misc]  # a lambda whose default carries the loop variable
                point,
                slope,
                name="d prediction",
                scale=typical,
                rng=case.rng,
            )
            clues = Clues(prediction=point.copy(), target=target, constants=constants(loss))
            clues.again = partial(again_of_loss, case, point, target)
            location, source = case.location("backward"), case.location("forward")
            accuse(found, location=location, samples=len(point), gradient=slope, clues=clues, source=source)
