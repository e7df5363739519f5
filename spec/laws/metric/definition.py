"""A metric with a standard name must have the textbook's value.

It finds sums instead of means, top-2 accuracy under the name accuracy, and averages over the wrong classes.
"""

from __future__ import annotations

from math import isfinite

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.laws.metric._shared import CLASSES, definition_of, failure, predictions
from nnlaw.spec.reference import METRICS
from nnlaw.spec.reference.functions import Score
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.subjects.hyperparameters import infer_from_settings
from nnlaw.spec.violation import NO_CAUSE, Cause, Inconclusive

UNCLIPPED = Cause("unclipped-logarithm", "the logarithm of 0; raise probabilities to a small number before it")
SUM = Cause("sum-instead-of-mean", "a sum over the samples instead of a mean")


@law(
    "definition",
    kind="metric",
    family="numerics",
    statement="A metric with a standard name has the textbook's value.",
    why="Reported numbers are compared with those of others, who compute the standard definition.",
    depends_on=("metric-known",),
)
def definition(case: MetricCase) -> None:
    """Compare the metric with its definition on batches of 10, 21, 40, 41 and 7 samples. One accepted variant must
    match all of them within a relative error of 1e-4. Cross-entropy must be finite if a label has a probability of 0.
    """
    name, row = definition_of(case)
    unknown = infer_from_settings(case.thing, case.settings, {}).unknown
    rng = case.rng
    batches = [predictions(rng, samples) for samples in (10, 21, 40, 41, 7)]
    found = [np.asarray(case(p, y), np.float64) for p, y in batches]
    if not case.registered:  # 0/0 where the textbook has it, too
        defined = [i for i, value in enumerate(found) if np.isfinite(value).all()]
        found, batches = [found[i] for i in defined], [batches[i] for i in defined]
        if not found:
            raise Inconclusive("no value is finite")
    for variant in row.variants:
        right = [np.asarray(variant(p.astype(np.float64), y)) for p, y in batches]
        if all(map(_close, found, right)):
            if case.registered and name == "cross_entropy":
                _check_a_certain_mistake(case, name)
            return
    if unknown:
        raise Inconclusive(f"settings that {name} does not have: {', '.join(unknown)}")
    right = [np.asarray(row.variants[0](p.astype(np.float64), y)) for p, y in batches]
    at = next((i for i, pair in enumerate(zip(found, right, strict=True)) if not _close(*pair)), 0)
    summed = all(_close(value, len(y) * each) for (_, y), value, each in zip(batches, found, right, strict=True))
    array = f"{name} of {len(batches[at][1])} samples"
    others = [other for other, of in METRICS.items() if any(_matches(batches, found, one) for one in of.variants)]
    summed = summed and right[at].ndim == 0
    cause = SUM if summed else Cause("other-metric", f"it computes {others[0]}") if others else NO_CAUSE
    violation = failure(case, "definition", array, _shown(found[at]), _shown(right[at]), cause)
    raise violation.with_fields(note=why_compared(case, case.thing, name, row.source))


def _check_a_certain_mistake(case: MetricCase, name: str) -> None:
    """A network that is certain and wrong gives the label a probability of 0."""
    p, y = predictions(case.rng)
    wrong = np.eye(CLASSES, dtype=np.float32)[(y + 1) % CLASSES]
    with np.errstate(all="ignore"):
        value = float(case(np.where(np.arange(len(y))[:, None] == 0, wrong, p), y))
    if not isfinite(value):
        array = f"{name} if a label has a probability of 0"
        raise failure(case, "definition", array, f"{value:g}", "a finite number", UNCLIPPED)


def _matches(batches: list[tuple[Array, Array]], found: list[Array], variant: Score) -> bool:
    """Whether a metric has these values."""
    return all(_close(value, np.asarray(variant(p, y))) for (p, y), value in zip(batches, found, strict=True))


def _close(found: Array, right: Array) -> bool:
    return found.shape == right.shape and np.allclose(found, right, rtol=1e-4, atol=1e-6)


def _shown(value: Array) -> str:
    return f"{value:.6g}" if value.ndim == 0 else str(value.tolist())
