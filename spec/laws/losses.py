"""The laws of a loss: a mean over the batch, least at the right answer, with the gradient of what it reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.contracts.claims import claim, interval, within
from nnlaw.spec.gradcheck.batch_size_probe import again_of_loss
from nnlaw.spec.gradcheck.finite_differences import accuse, measure
from nnlaw.spec.gradcheck.mistakes import Clues
from nnlaw.spec.law import law
from nnlaw.spec.reference import LOSSES, constants, standard
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import DoesNotApply, Violation

OVERFLOW = "exp or log without the shift by the largest logit of each row (log-sum-exp)"
EXTREME = 1e4  # a logit that a confident network may well produce


def _batches(case: LossCase) -> Iterator[tuple[Array, Array]]:
    """The batch in float64; one of as many samples as there are outputs, one that has one more, and one output alone.

    Where N = C a mistaken axis goes unnoticed or strikes; where C = 1, (N, 1) may be taken for (N,).
    """
    point = case.prediction.astype(np.float64)
    yield point, case.target
    outputs = point.shape[-1]
    for count in {outputs, outputs + 1} - {len(point), 1}:
        rows = np.arange(count) % len(point)
        yield np.ascontiguousarray(point[rows]), case.target[rows]
    if claim(case.loss, "targets") != "labels" and point.ndim == 2 and outputs > 1:
        alone = case.target[:, :1]
        yield np.ascontiguousarray(point[:, :1]), np.ones_like(alone) if has_soft_labels(case) else alone


def has_soft_labels(case: LossCase) -> bool:
    """Whether rows of the target are probabilities, which sum to 1."""
    return bool(claim(case.loss, "targets") == "real" and claim(case.loss, "domain") == "logits")


@law(
    "repeatable-backward",
    kind="loss",
    family="reproducibility",
    statement="backward gives the same gradient twice, and answers the latest forward.",
)
def repeatable_backward(case: LossCase) -> None:
    """Called twice, its first answer written over in between, and once after a forward of other predictions."""
    clean, used = case.fresh(), case.fresh()
    used.forward(case.prediction[::-1], case.target)
    used.backward()
    clean.forward(case.prediction, case.target)
    used.forward(case.prediction, case.target)
    first = np.array(clean.backward())
    for found, cause in (
        (np.array(clean.backward()), "backward changes what it keeps, as by an operation in place"),
        (np.array(used.backward()), "a gradient that is kept from an earlier forward"),
    ):
        if not np.array_equal(found, first):
            at = first_index(found != first) if found.shape == first.shape else None
            raise Violation(
                "repeatable-backward",
                where=case.where("backward"),
                array="d prediction",
                index=at,
                actual=f"of shape {found.shape}" if at is None else f"{found[at]:.6g}",
                expected=str(first.shape) if at is None else f"{first[at]:.6g}",
                cause=cause,
            )


@law(
    "loss-mean",
    kind="loss",
    family="output range",
    statement="The loss of a batch is the mean of the losses of its samples, also where N = C and where C = 1.",
)
def loss_mean(case: LossCase) -> None:
    """Whole batches against their samples one at a time, in float64."""
    for point, target in _batches(case):
        whole = float(case.fresh().forward(point, target))
        each = [float(case.fresh().forward(point[i : i + 1], target[i : i + 1])) for i in range(len(point))]
        mean = float(np.mean(each))
        if not np.isclose(whole, mean, rtol=1e-6, atol=1e-9):
            summed = np.isclose(whole, sum(each), rtol=1e-6)
            raise Violation(
                "loss-mean",
                where=case.where("forward"),
                array="loss",
                actual=f"{whole:.6g} for predictions of shape {point.shape}",
                expected=f"{mean:.6g}, the mean over its samples",
                cause="a sum over the batch where the mean is due" if summed else "",
            )


@law(
    "gradient",
    kind="loss",
    family="convergence",
    statement="backward gives the gradient of the loss that forward reports, divided by N once, at extreme logits too.",
    rests_on=("loss-mean", "repeatable-backward"),
)
def gradient(case: LossCase) -> None:
    """Finite differences of the reported number, near and far, right and wrong, for several sizes of the batch."""
    typical = 0.0  # far out a loss may be next to nothing while terms of its usual size still cancel in it
    for scale in (1.0, 5.0, 40.0, -40.0):
        for given, target in _batches(case):
            point = np.ascontiguousarray(within(case.loss, scale * given, given))
            loss, probe = case.fresh(), case.fresh()
            each = [abs(float(loss.forward(point[i : i + 1], target[i : i + 1]))) for i in range(len(point))]
            typical = max(typical, float(np.mean(each)))
            probe.forward(point, target)
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
                lambda at=point, of=loss, to=target: float(of.forward(at, to)),  # type: ignore[misc]  # a lambda whose default carries the loop variable
                point,
                slope,
                name="d prediction",
                scale=typical,
                rng=case.rng,
            )
            clues = Clues(prediction=point.copy(), target=target, constants=constants(loss))
            clues.again = partial(again_of_loss, case, point, target)
            where, source = case.where("backward"), case.where("forward")
            accuse(found, where=where, samples=len(point), gradient=slope, clues=clues, source=source)


@law(
    "stable",
    kind="loss",
    family="output range",
    statement="Loss and gradient stay finite at extreme predictions within the domain.",
)
def stable(case: LossCase) -> None:
    """One confident right answer and one confident wrong one, at ±1e4; rows that lie as far apart; one-hot targets."""
    for sign in (1, -1):
        bounds = interval(case.loss)
        extreme: Array = case.prediction.copy()
        extreme[:, 0] = np.clip(sign * EXTREME, *(bounds or (-EXTREME, EXTREME)))
        _stays_finite(case, extreme, f"predictions of {sign * EXTREME:g}")
        if bounds is None:
            apart: Array = case.prediction.copy()
            apart[::2] += sign * EXTREME
            _stays_finite(case, apart, f"rows of which every other one is raised by {sign * EXTREME:g}")
    if has_soft_labels(case):
        hot = np.eye(case.target.shape[-1], dtype=case.target.dtype)[case.target.argmax(axis=-1)]
        why = "the logarithm of a target that is 0: 0·log 0 counts as 0"
        _stays_finite(replace(case, target=hot), case.prediction, "one-hot targets", why)


def _stays_finite(case: LossCase, extreme: Array, what: str, why: str = OVERFLOW) -> None:
    loss = case.fresh()
    value = float(loss.forward(extreme, case.target))
    slope = loss.backward()
    if not (np.isfinite(value) and is_finite(slope)):
        raise Violation(
            "stable",
            where=case.where("forward"),
            array="loss" if not np.isfinite(value) else "d prediction",
            actual=f"{value} at {what}",
            expected="a finite number",
            cause=why,
        )


@law(
    "shift-invariant",
    kind="loss",
    family="output range",
    statement="A loss on softmax depends on differences of logits alone: a shift of a row changes nothing.",
    rests_on=("gradient", "stable"),
)
def shift_invariant(case: LossCase) -> None:
    """Another number is added to each row; the rows of the gradient sum to 0."""
    claimed = claim(case.loss, "shift_invariant")
    if claimed is False or not (claimed or standard(case.loss, case.name, LOSSES) == "softmax_cross_entropy"):
        raise DoesNotApply("it neither claims shift_invariant nor bears the name softmax_cross_entropy")
    point = case.prediction.astype(np.float64)
    loss = case.fresh()
    here, slope = float(loss.forward(point, case.target)), np.array(loss.backward())
    there = float(case.fresh().forward(point + 100 * case.rng.standard_normal((len(point), 1)), case.target))
    sums = np.abs(slope.sum(axis=-1))
    off = abs(here - there) > 1e-6 * max(1.0, abs(here))
    if off or sums.max() > 1e-6 * max(1.0, float(np.abs(slope).max())):
        raise Violation(
            "shift-invariant",
            where=case.where("forward" if off else "backward"),
            array="the loss of shifted logits" if off else "the sum of a row of d prediction",
            actual=f"{there:.6g}" if off else f"{sums.max():.6g}",
            expected=f"{here:.6g}, as before the shift" if off else "0",
            cause="something added to the cross-entropy, or a softmax that is not normalized over each row",
        )


@law(
    "soft-labels",
    kind="loss",
    family="domain",
    statement="Where soft_labels is claimed, one-hot rows give the loss and the gradient of their labels.",
    rests_on=("gradient",),
)
def soft_labels(case: LossCase) -> None:
    """Integers against the rows of an identity matrix."""
    if not claim(case.loss, "soft_labels") or claim(case.loss, "targets") != "labels":
        raise DoesNotApply("soft_labels is not claimed")
    point, rows = case.prediction.astype(np.float64), np.eye(case.prediction.shape[-1])[case.target]
    hard, soft = case.fresh(), case.fresh()
    values = hard.forward(point, case.target), soft.forward(point, rows)
    slopes = hard.backward(), soft.backward()
    for what, method, pair in (("the loss", "forward", values), ("d prediction", "backward", slopes)):
        one, two = (np.asarray(found, np.float64) for found in pair)
        off = ~np.isclose(two, one, rtol=1e-6, atol=1e-9)
        if off.any():
            at = first_index(off)
            raise Violation(
                "soft-labels",
                where=case.where(method),
                array=f"{what} of one-hot rows",
                index=at or None,
                actual=f"{two[at]:.6g}",
                expected=f"{one[at]:.6g}, that of the labels",
            )
