"""The laws of the loss that a network reports: a mean over the batch, of the labels as given, at first a guess's."""

from __future__ import annotations

from itertools import islice

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import adam
from nnlaw.spec.laws.models import accuse
from nnlaw.spec.subjects.cases import ModelCase, copied
from nnlaw.spec.violation import DoesNotApply, Inconclusive, Violation

MARGIN = 0.5  # how far the first loss may lie from that of a guess, besides half the variance of the logits
GRANTED = 2.0  # the largest variance that counts
TAUGHT = 200  # Adam steps to learn that all samples are of one class


@law(
    "labels",
    kind="model",
    family="convergence",
    statement="Labels are used as given: what has learnt that all samples are of class c predicts class c.",
    rests_on=("gradient",),
)
def labels_as_given(case: ModelCase) -> None:
    """Up to ten classes, each taught to a fresh copy; judged of those that it learns, by the loss that it reports."""
    classes = case.fresh().predict(case.x).shape[1]
    learnt = False
    for c in np.unique(np.linspace(0, classes - 1, min(classes, 10)).astype(int)):
        said = _said_once_taught(case, int(c))
        learnt |= said is not None
        if said not in (None, c):
            cause = "labels that are shifted or mixed up on their way into the loss, such as labels − 1"
            accuse(case, "labels", "the prediction", f"class {said} once it was taught class {c}", f"class {c}", cause)
    if not learnt:
        raise Inconclusive(f"in {TAUGHT} steps the loss does not fall by half, not even if all labels are the same")


def _said_once_taught(case: ModelCase, c: int) -> int | None:
    """The likeliest class over the batch after steps of Adam towards labels that are all c; None if that isn't learnt.

    Asked every ten steps until it is c, for predictions may lag: by running statistics, or by a biased beginning.
    """
    model, said = case.fresh(), None
    lessons = adam(model, case.x, np.full_like(case.labels, c), 1e-2)
    loss = first = next(lessons)
    for _ in range(TAUGHT // 10):
        *_, loss = loss, *islice(lessons, 10)
        if loss <= first / 2 and (said := _likeliest(model.predict(case.x))) == c:
            break
    return said


def _likeliest(probabilities: Array) -> int:
    return int(np.asarray(probabilities, np.float64).mean(axis=0).argmax())


@law(
    "loss-mean",
    kind="model",
    family="output range",
    statement="The reported loss is a mean over the batch: the same samples twice over cost no more.",
    rests_on=("gradient",),
)
def loss_mean(case: ModelCase) -> None:
    """The batch against itself twice over, which moves neither a mean nor the statistics of a normalization."""
    once = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    other, generators = copied(case.model)
    for generator in generators:
        generator.random()
    if float(other.loss_and_grads(case.x, case.labels)[0]) != once:
        raise DoesNotApply("the loss is random")
    twice = float(case.fresh().loss_and_grads(np.concatenate([case.x] * 2), np.concatenate([case.labels] * 2))[0])
    if not np.isclose(twice, once, rtol=1e-3, atol=1e-6):
        accuse(
            case,
            "loss-mean",
            "the loss of the batch twice over",
            f"{twice:.6g}",
            f"{once:.6g}, as for the batch once",
            "a sum over the batch where the mean is due" if np.isclose(twice, 2 * once, rtol=1e-2) else "",
        )


@law(
    "initial-loss",
    kind="model",
    family="convergence",
    statement="An untrained classifier costs what a guess costs: within 1/2 + σ²/2 of ln C + σ²/2, σ² the variance of "
    "its logits, of which 2 counts at most.",
)
def initial_loss(case: ModelCase) -> None:
    """σ² is read from the log probabilities, which are the logits up to a constant a row.

    The second σ²/2 is for chance: a small batch costs ln C + σ²/2 on average over networks alone. With 20 digits, two
    of each class, 1/2 by itself would accuse 6% of all networks of the default shape with He's weights, and 1/2 + σ²/2
    accuses 1 in 2000; of ten layers of 64 units 3%, in which the logits happen to grow large.
    """
    probabilities = case.fresh().predict(case.x).astype(np.float64)
    loss = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    log_p = np.log(np.maximum(probabilities, 1e-30))
    entropy = -float(log_p[np.arange(len(case.labels)), case.labels].mean())
    if not np.isclose(loss, entropy, rtol=0.05):
        raise DoesNotApply("the loss is not the cross-entropy of the predicted probabilities")
    variance = min(GRANTED, float(log_p.var(axis=1).mean()))
    guess = float(np.log(log_p.shape[1])) + variance / 2
    if abs(loss - guess) > MARGIN + variance / 2:
        raise Violation(
            "initial-loss",
            where=case.where("loss_and_grads"),
            array="the loss before training",
            actual=f"{loss:.4g}",
            expected=f"about {guess:.4g}, the cost of a guess among {log_p.shape[1]} classes",
            cause="initial weights that are too large, or labels that do not match",
        )
