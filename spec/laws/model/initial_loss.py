"""An untrained classifier costs what a guess costs: within 1/2 + σ²/2 of ln C + σ²/2, σ² the variance of its logits,
of which 2 counts at most.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NotApplicable, Violation

MARGIN = 0.5  # how far the first loss may lie from that of a guess, besides half the variance of the logits
GRANTED = 2.0  # the largest variance that counts


@law(
    "initial-loss",
    kind="model",
    family="gradient",
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
        raise NotApplicable("the loss is not the cross-entropy of the predicted probabilities")
    variance = min(GRANTED, float(log_p.var(axis=1).mean()))
    guess = float(np.log(log_p.shape[1])) + variance / 2
    if abs(loss - guess) > MARGIN + variance / 2:
        raise Violation(
            "initial-loss",
            location=case.location("loss_and_grads"),
            array="the loss before training",
            actual=f"{loss:.4g}",
            expected=f"about {guess:.4g}, the cost of a guess among {log_p.shape[1]} classes",
            cause="initial weights that are too large, or labels that do not match",
        )
