"""A loss with a standard name must compute what the textbook defines.

It finds scaled losses, missing terms, and probabilities that are clipped far inside the declared domain.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import domain_of, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.reference import LOSSES, Given, Settings, log_softmax, sigmoid, standard_name
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.subjects.hyperparameters import numeric_attributes
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

CLIPPED = Cause("clipped-probabilities", "often probabilities that are clipped before the end of the declared domain")
MISTAKES = {
    -1.0: Cause("missing-minus", "the sign: a minus is missing"),
    1 / np.log(2): Cause("logarithm-of-base-two", "the logarithm has base 2 instead of e"),
    1 / np.log(10): Cause("logarithm-of-base-ten", "the logarithm has base 10 instead of e"),
}
OF_CLASSES = {"softmax_cross_entropy", "cross_entropy", "nll", "binary_cross_entropy", "focal", "hinge"}
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
    within 1e-2, so that an ε inside the logarithm is allowed. Code that is not registered may take the sum over the
    batch, or half of the loss, and may have an ε: it must match within 2e-3.
    """
    name = standard_name(case.loss, case.name, LOSSES)
    if not name:
        raise NotApplicable("it has no standard name")
    of_numbers = case.target.ndim > 1 and not np.isin(case.target, (-1, 0, 1)).all()  # not labels
    if not case.registered and "hinge" in name and of_numbers:
        with contextlib.suppress(Violation):  # the same code may take -1 and 1
            return definition(replace(case, target=2 * _target(case, name) - 1))
    points, slack = _points(case)
    target = _target(case, name)
    found = np.array([float(case.fresh().forward(point, target)) for point in points])
    misses = []
    for given, variant in product(_given(case, points, target), LOSSES[name].variants):
        for mean in variant(given):
            for factor in _factors(case):
                expected = factor * np.array(mean)
                off = np.abs(found - expected) / np.maximum(1.0, np.abs(expected)) / slack
                if (off <= 1).all():
                    return
                misses.append((float(off.max()) if np.isfinite(off).all() else np.inf, int(np.argmax(off)), expected))
    distance, i, nearest = min(misses, key=lambda miss: miss[0], default=(np.inf, 0, found))
    if not case.registered and not np.isfinite(distance):
        raise NotApplicable("no variant of the definition takes these predictions")
    certain = case.registered and i > 1
    cause = next((one for one in (_mistake(found, right) for _, _, right in misses) if one), NO_CAUSE)
    if cause:
        i, nearest = next((i, right) for _, i, right in misses if _mistake(found, right))
    elif certain:
        cause = CLIPPED
    what = "nearly certain predictions" if certain else "predictions"
    raise Violation(
        "definition",
        location=case.location("forward"),
        array=f"the loss of {what}",
        actual=f"{found[i]:.6g}",
        expected=f"{nearest[i]:.6g}, as {name} is defined ({LOSSES[name].source})",
        cause=cause.text,
        cause_code=cause.code,
        note=why_compared(case, case.loss, name),
    )


def _mistake(found: Array, right: Array) -> Cause:
    """The usual mistake that makes the value a multiple of the right one; NO_CAUSE if there is no such mistake."""
    causes = (cause for factor, cause in MISTAKES.items() if np.allclose(found, factor * right, rtol=1e-4))
    return next(causes, NO_CAUSE)


def _points(case: LossCase) -> tuple[list[Array], Array]:
    """Predictions to compare the loss at, and the relative error that is allowed at each.

    Code that is not registered often has an ε in its logarithms, so it is compared at probabilities that are not small.
    """
    z = case.prediction.astype(np.float64)
    if not case.registered:
        probabilities = bool(((z > 0) & (z < 1)).all())
        return [z if probabilities else z / 2, z[::-1].copy()], np.full(2, 2e-3)
    wide = np.ascontiguousarray(inside_domain(case.loss, 3 * z, z[::-1]))
    certain = list(_nearly_certain(case.loss, z))
    return [z, wide, *certain], np.array([1e-5, 1e-5, *[1e-2] * len(certain)])


def _target(case: LossCase, name: str) -> Array:
    """The target; for a loss of classes that is not registered, one-hot rows in place of other numbers, which such code
    may take as well."""
    target = case.target
    if case.registered or name not in OF_CLASSES or target.ndim < 2 or np.isin(target, (-1, 0, 1)).all():
        return target
    rows: Array = np.eye(target.shape[1])[target.argmax(axis=1)]
    return rows


def _given(case: LossCase, points: list[Array], target: Array) -> list[Given]:
    """The predictions; also as probabilities, if softmax or sigmoid comes before a loss that is not registered."""
    link = "" if case.registered else str(case.loss.attribute("link", ""))
    linked = {"softmax": lambda z: np.exp(log_softmax(z)), "sigmoid": sigmoid}
    settings = Settings(numeric_attributes(case.loss))
    choices = [points, *([[linked[link](z) for z in points]] if link in linked else [])]
    return [Given(chosen, settings=settings, target=target) for chosen in choices]


def _factors(case: LossCase) -> list[float]:
    """1 and, in code that is not registered, what turns the mean into a sum, a sum into a mean, or takes half of it."""
    if case.registered:
        return [1.0]
    samples, outputs = float(len(case.prediction)), float(case.prediction[0].size)
    scales = (1.0, samples, samples * outputs, 1 / outputs)
    return [half * scale for half in (1.0, 0.5) for scale in scales]


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
