"""A loss with a standard name must compute what the textbook defines.

It finds scaled losses, missing terms, and probabilities that are clipped far inside the declared domain.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import domain_of, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.reference import LOSSES, numeric_constants, standard_name
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation

EDGE = 5e-4  # how close to the ends of its domain a loss of probabilities is compared with its definition


@law(
    "definition",
    kind="loss",
    family="numerics",
    statement="A loss with a standard name, or that declares one, computes the textbook's values.",
    why="A loss that is scaled or clipped has a correct gradient and still trains another problem than the one its "
    "name promises; results can't be compared with those of others.",
    depends_on=("gradient", "loss-mean", "stable", "loss-minimum", "shift-invariant"),
)
def definition(case: LossCase) -> None:
    """Compare the loss with the textbook's formula at two scales of the prediction, in float64; one accepted variant
    must match everywhere, within 1e-5. A loss of probabilities is also compared 5e-4 from the ends of its domain,
    within 1e-2, so that an ε inside the logarithm is allowed.
    """
    name = standard_name(case.loss, case.name, LOSSES)
    if not name:
        raise NotApplicable("it has no standard name")
    given = case.prediction.astype(np.float64)
    wide = np.ascontiguousarray(inside_domain(case.loss, 3 * given, given[::-1]))
    points = [given, wide, *_nearly_certain(case.loss, given)]
    slack = np.array([1e-5, 1e-5, *[1e-2] * (len(points) - 2)])
    found = np.array([float(case.fresh().forward(point, case.target)) for point in points])
    misses = []
    for variant in LOSSES[name].variants:
        for expected in variant(points, case.target, numeric_constants(case.loss)):
            off = np.abs(found - expected) / np.maximum(1.0, np.abs(expected)) / slack
            if (off <= 1).all():
                return
            misses.append((float(off.max()) if np.isfinite(off).all() else np.inf, int(np.argmax(off)), expected))
    _, i, nearest = min(misses, key=lambda miss: miss[0])
    certain = i > 1
    what = "nearly certain predictions" if certain else "predictions"
    raise Violation(
        "definition",
        location=case.location("forward"),
        array=f"the loss of {what}",
        actual=f"{found[i]:.6g}",
        expected=f"{nearest[i]:.6g}, as {name} is defined ({LOSSES[name].source})",
        cause="often probabilities that are clipped before the end of the declared domain" if certain else "",
        cause_code="clipped-probabilities" if certain else "",
    )


def _nearly_certain(loss: object, given: Array) -> Iterator[Array]:
    """Two arrays like `given`: in each row one output is EDGE from the top of the domain, and the others share EDGE at
    its bottom. Correct and wrong predictions are among them. Empty for a loss that does not take probabilities.
    """
    low, high = domain_of(loss) or (-np.inf, np.inf)
    if low < 0 or high > 1:
        return
    outputs, away = given.shape[-1], EDGE * (high - low)
    rows = np.arange(given.size // outputs).reshape(*given.shape[:-1], 1)
    for shift in (0, 1):
        certain = (rows + shift) % max(outputs, 2) == np.arange(outputs)
        yield np.where(certain, high - away, low + away / max(outputs - 1, 1))
