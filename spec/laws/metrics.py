"""The laws of a metric: one number, a function of the samples in any order, and the known one where it is standard."""

from __future__ import annotations

from math import isclose, isfinite
from numbers import Real

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.reference import METRICS, Metric, textbook
from nnlaw.spec.subjects.cases import MetricCase
from nnlaw.spec.violation import Violation

CLASSES, SAMPLES = 4, 40


def predictions(rng: np.random.Generator, samples: int = SAMPLES) -> tuple[Array, Array]:
    """Probabilities (N, C) float32 that are right about half the time, and labels; every class is among both."""
    labels = rng.permutation(np.arange(samples) % CLASSES)
    z = rng.standard_normal((samples, CLASSES)) + 1.5 * np.eye(CLASSES)[labels]
    z[np.arange(CLASSES), np.arange(CLASSES)] += 10
    e = np.exp(z)
    return (e / e.sum(axis=1, keepdims=True)).astype(np.float32), labels


def perfect(labels: Array) -> Array:
    """Nearly certain and always right: (N, C) float32."""
    return (0.999 * np.eye(CLASSES)[labels] + 0.001 / CLASSES).astype(np.float32)


def standard(case: MetricCase) -> tuple[str, Metric]:
    """The row of the textbook that it is held to. Raises DoesNotApply where there is none."""
    return textbook(case.thing, case.name, METRICS)


def _broken(case: MetricCase, code: str, array: str, actual: str, expected: str, cause: str = "") -> Violation:
    return Violation(code, where=case.where, array=array, actual=actual, expected=expected, cause=cause)


@law("finite", kind="metric", family="output range", statement="A metric is one finite number.")
def finite(case: MetricCase) -> None:
    """On a batch in which every class stands."""
    value = case(*predictions(case.rng))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not (isinstance(value, Real) and isfinite(value)):
        shape = getattr(value, "shape", ())
        found = f"an array of shape {shape}" if shape else f"{value!r}"
        raise _broken(case, "finite", "the value", found, "one finite number")


@law(
    "input-untouched",
    kind="metric",
    family="domain",
    statement="Probabilities and labels are left as they were handed in.",
    rests_on=("finite",),
)
def input_untouched(case: MetricCase) -> None:
    """Compared after the call."""
    given, known = predictions(case.rng), predictions(case.rng)
    case(*given)
    for name, after, before in zip(("probabilities", "labels"), given, known, strict=True):
        if not np.array_equal(after, before):
            raise _broken(case, "input-untouched", name, "changed by the call", "as handed in", "a sort in place")


@law(
    "pure",
    kind="metric",
    family="reproducibility",
    statement="The same predictions have the same value, whatever was judged before.",
    rests_on=("input-untouched",),
)
def pure(case: MetricCase) -> None:
    """Once, then after other predictions."""
    first = float(case(*predictions(case.rng)))
    case(*predictions(np.random.default_rng(case.seed + 1), SAMPLES // 2))
    again = float(case(*predictions(case.rng)))
    if again != first:
        raise _broken(
            case,
            "pure",
            "the value",
            f"{again:.6g} when asked again",
            f"{first:.6g}, as the first time",
            "a total kept from call to call, or randomness",
        )


@law(
    "permutation",
    kind="metric",
    family="reproducibility",
    statement="The order of the samples does not matter.",
    rests_on=("pure",),
)
def permutation(case: MetricCase) -> None:
    """Five random orders, up to roundoff."""
    p, y = predictions(case.rng)
    value = float(case(p, y))
    rng = case.rng
    for _ in range(5):
        order = rng.permutation(len(y))
        found = float(case(p[order], y[order]))
        if not isclose(found, value, rel_tol=1e-4, abs_tol=1e-6):
            raise _broken(case, "permutation", "the value", f"{found:.6g} in another order", f"{value:.6g}, as before")


@law(
    "metric-known",
    kind="metric",
    family="output range",
    statement="What bears a standard name stays within its bounds, and is best where every prediction is right.",
    rests_on=("permutation",),
)
def metric_known(case: MetricCase) -> None:
    """Twenty batches, against a prediction that is nearly certain and always right."""
    name, row = standard(case)
    rng = case.rng
    sign = 1 if row.more_is_better else -1
    for _ in range(20):
        p, y = predictions(rng)
        value, best = float(case(p, y)), float(case(perfect(y), y))
        for found in (value, best):
            if not row.least - 1e-6 <= found <= row.most + 1e-6:
                cause = "a percentage in place of a share" if found > 10 else ""
                raise _broken(case, "metric-known", name, f"{found:.6g}", f"in [{row.least:g}, {row.most:g}]", cause)
        if not sign * best >= sign * value:
            bound = "at least" if sign > 0 else "at most"
            raise _broken(
                case,
                "metric-known",
                f"{name} of a perfect prediction",
                f"{best:.6g}",
                f"{bound} {value:.6g}, that of a prediction half of which is wrong",
                "more and less are exchanged: the share of wrong answers for that of right ones, or the sign",
            )
