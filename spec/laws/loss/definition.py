"""A loss that bears or claims a standard name computes the textbook's values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import interval, within
from nnlaw.spec.law import law
from nnlaw.spec.reference import LOSSES, constants, standard
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation

EDGE = 5e-4  # how near to the ends of its domain a loss of probabilities is held to its definition


@law(
    "definition",
    kind="loss",
    family="gradient",
    statement="A loss that bears or claims a standard name computes the textbook's values.",
    depends_on=("gradient", "loss-mean", "stable", "loss-minimum", "shift-invariant"),
)
def definition(case: LossCase) -> None:
    """At two scales of prediction, in float64, one and the same accepted variant must fit. A loss of probabilities is
    judged where they are nearly certain, too, so that none is cut off: within a hundredth, for a log may have its ε."""
    name = standard(case.loss, case.name, LOSSES)
    if not name:
        raise NotApplicable("it bears and claims no standard name")
    given = case.prediction.astype(np.float64)
    wide = np.ascontiguousarray(within(case.loss, 3 * given, given[::-1]))
    points = [given, wide, *_nearly_certain(case.loss, given)]
    slack = np.array([1e-5, 1e-5, *[1e-2] * (len(points) - 2)])
    found = np.array([float(case.fresh().forward(point, case.target)) for point in points])
    misses = []
    for variant in LOSSES[name].variants:
        for wanted in variant(points, case.target, constants(case.loss)):
            off = np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted)) / slack
            if (off <= 1).all():
                return
            misses.append((float(off.max()) if np.isfinite(off).all() else np.inf, int(np.argmax(off)), wanted))
    _, i, nearest = min(misses, key=lambda miss: miss[0])
    raise Violation(
        "definition",
        location=case.location("forward"),
        array=f"the loss of what is called {name}{' where it is nearly certain' * (i > 1)}",
        actual=f"{found[i]:.6g}",
        expected=f"{nearest[i]:.6g}",
        cause="probabilities that are cut off before the end of the claimed domain"
        if i > 1
        else f"another function than that of {LOSSES[name].source}",
    )


def _nearly_certain(loss: object, given: Array) -> Iterator[Array]:
    """Two arrays like `given`: in each row one output is EDGE from the top of the domain, and the others share EDGE at
    its bottom, so that right and wrong ones are among them. Nothing for what is no loss of probabilities."""
    low, high = interval(loss) or (-np.inf, np.inf)
    if low < 0 or high > 1:
        return
    outputs, away = given.shape[-1], EDGE * (high - low)
    rows = np.arange(given.size // outputs).reshape(*given.shape[:-1], 1)
    for shift in (0, 1):
        certain = (rows + shift) % max(outputs, 2) == np.arange(outputs)
        yield np.where(certain, high - away, low + away / max(outputs - 1, 1))
