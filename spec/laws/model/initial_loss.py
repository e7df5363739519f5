"""The loss of an untrained classifier must be that of guessing.

Finds initial weights that are too large, and labels that do not belong to the samples.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation, wrong_scale
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause, NotApplicable

# A loss of ln C + σ²/2 is an average over networks. On a batch of 20 digits, two per class, a tolerance of 1/2 alone
# would fail 6% of the networks of the default shape with He initialization; 1/2 + σ²/2 fails 1 in 2000. Of networks
# of ten layers with 64 units, whose logits happen to be large, it fails 3%.
TOLERANCE = 0.5  # how far the loss may be from that of guessing, besides half the variance of the logits
SMALLEST = 1e-30  # probability; smaller ones may be rounded to 0
MAX_VARIANCE = 2.0  # a larger variance of the logits is not taken into account

CAUSE = Cause("large-initial-weights", "often initial weights that are too large, or labels of other samples")


@law(
    "initial-loss",
    kind="model",
    family="learning",
    statement="The loss of an untrained classifier must be that of guessing: ln C + σ²/2 within 1/2 + σ²/2, where σ² "
    "is the variance of its logits (at most 2).",
    why="A first loss far above ln C (2.3 for ten classes) means that the network starts out confident and wrong. It "
    "spends the first epochs on unlearning that, or saturates and never learns.",
)
def initial_loss(case: ModelCase) -> None:
    """The loss on the batch is compared with the expected loss of a guess among C classes.

    The variance of the logits is computed from the log probabilities, which differ from them by a constant per row.
    Applies if the loss is the cross-entropy of the predicted probabilities, as far as these are not rounded to 0.
    """
    probabilities = case.fresh().predict(case.x).astype(np.float64)
    loss = float(case.fresh().loss_and_grads(case.x, case.labels)[0])
    log_p = np.log(np.maximum(probabilities, SMALLEST))
    cross_entropy = -float(log_p[np.arange(len(case.labels)), case.labels].mean())
    rounded = (probabilities < SMALLEST).any() and loss > cross_entropy
    if not (np.isclose(loss, cross_entropy, rtol=0.05) or rounded):
        raise NotApplicable("the loss is not the cross-entropy of the predicted probabilities")
    variance = min(MAX_VARIANCE, float(log_p.var(axis=1).mean()))
    guess = float(np.log(log_p.shape[1])) + variance / 2
    if abs(loss - guess) > TOLERANCE + variance / 2:
        expected = f"about {guess:.4g}, that of guessing among {log_p.shape[1]} classes"
        array = "the loss before training"
        scale = wrong_scale(case.fresh()) if loss > guess else None
        raise violation(case, "initial-loss", "loss_and_grads", array, f"{loss:.4g}", expected, scale or CAUSE)
