"""The laws of a loss: a mean over the batch, least at the right answer, with the gradient of what it reports."""

from __future__ import annotations

import numpy as np

from spec.arrays import Array, is_finite
from spec.cases import LossCase
from spec.claims import claim, interval, within
from spec.gradient import accuse, measure
from spec.law import law
from spec.violation import DoesNotApply, Violation

EXTREME = 1e4  # a logit that a confident network may well produce


@law(
    "gradient",
    kind="loss",
    family="convergence",
    statement="backward gives the gradient of the loss that forward reports, divided by N once.",
)
def gradient(case: LossCase) -> None:
    """Finite differences of the reported number, at two scales of prediction."""
    for scale in (1.0, 5.0):
        point = case.prediction.astype(np.float64)
        point = np.ascontiguousarray(within(case.loss, scale * point, point))
        loss, probe = case.fresh(), case.fresh()
        value = float(probe.forward(point, case.target))
        slope = np.asarray(probe.backward())
        if slope.shape != point.shape:
            raise Violation(
                "gradient",
                where=case.where("backward"),
                array="d prediction",
                actual=f"of shape {slope.shape}",
                expected=f"{point.shape}, the shape of the prediction",
            )
        found = measure(
            lambda at=point, of=loss: float(of.forward(at, case.target)),  # type: ignore[misc]
            point,
            slope,
            name="d prediction",
            scale=abs(value),
            rng=case.rng,
        )
        accuse(found, where=case.where("backward"), samples=len(point), gradient=slope)


@law(
    "loss-mean",
    kind="loss",
    family="output range",
    statement="The loss of a batch is the mean of the losses of its samples.",
)
def loss_mean(case: LossCase) -> None:
    """The whole batch against its samples one at a time, in float64."""
    point = case.prediction.astype(np.float64)
    whole = float(case.fresh().forward(point, case.target))
    each = [float(case.fresh().forward(point[i : i + 1], case.target[i : i + 1])) for i in range(len(point))]
    mean = float(np.mean(each))
    if not np.isclose(whole, mean, rtol=1e-6, atol=1e-9):
        summed = np.isclose(whole, sum(each), rtol=1e-6)
        raise Violation(
            "loss-mean",
            where=case.where("forward"),
            array="loss",
            actual=f"{whole:.6g} for the batch of {len(point)}",
            expected=f"{mean:.6g}, the mean over its samples",
            cause="a sum over the batch where the mean is due" if summed else "",
        )


@law(
    "stable",
    kind="loss",
    family="output range",
    statement="Loss and gradient stay finite, and the loss exact, at extreme predictions within the domain.",
)
def stable(case: LossCase) -> None:
    """One confident right answer and one confident wrong one, at ±1e4."""
    for sign in (1, -1):
        extreme: Array = case.prediction.copy()
        extreme[:, 0] = np.clip(sign * EXTREME, *(interval(case.loss) or (-EXTREME, EXTREME)))
        loss = case.fresh()
        with np.errstate(all="ignore"):
            value = float(loss.forward(extreme, case.target))
            slope = loss.backward()
        if not (np.isfinite(value) and is_finite(slope)):
            raise Violation(
                "stable",
                where=case.where("forward"),
                array="loss" if not np.isfinite(value) else "d prediction",
                actual=f"{value} at predictions of {sign * EXTREME:g}",
                expected="a finite number",
                cause="exp or log without the shift by the largest logit (log-sum-exp)",
            )


@law(
    "loss-minimum",
    kind="loss",
    family="convergence",
    statement="The right answer costs less than a wrong one.",
    rests_on=("stable",),
)
def loss_minimum(case: LossCase) -> None:
    """A clearly right answer against a clearly wrong one, in float64."""
    right, wrong = _answers(case)
    low, high = (float(case.fresh().forward(answer, case.target)) for answer in (right, wrong))
    if not low < high:
        raise Violation(
            "loss-minimum",
            where=case.where("forward"),
            array="the loss of the right answer",
            actual=f"{low:.6g}",
            expected=f"less than {high:.6g}, the loss of a wrong one",
            cause="the sign of the loss",
        )


def _answers(case: LossCase) -> tuple[Array, Array]:
    """A right and a wrong prediction, both well within the claimed domain."""
    least, most = interval(case.loss) or (-4.0, 4.0)
    low = max(least, min(-4.0, most - 8.0))
    span = min(most, low + 8.0) - low
    targets = claim(case.loss, "targets")
    if targets == "real":
        right: Array = case.target.astype(np.float64)
        return right, within(case.loss, right + 1.0, right - 1.0)
    if targets == "labels":
        classes = case.prediction.shape[-1]
        if classes < 2:
            raise DoesNotApply("there is one class, so no answer is wrong")
        told: Array = np.eye(classes)[case.target]
        other: Array = np.roll(told, 1, axis=1)
    else:
        told = np.round(case.target.astype(np.float64))
        other = 1 - told
    return low + span * (0.1 + 0.8 * told), low + span * (0.1 + 0.8 * other)
