"""Is a network robust, or does it only hide its gradient? The second falls to whoever looks elsewhere.

Source: A. Athalye, N. Carlini, D. Wagner, Obfuscated gradients give a false sense of security, ICML 2018, section 3.1.
"""

from __future__ import annotations

import numpy as np

from nnlaw.nn.stress.attacks.attacks import fgsm, pgd, square
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.nn.stress.trained_network import TrainedNetwork, differentiable_network
from nnlaw.nn.training.evaluation import cross_entropies

EPS = 0.1
TINY = 1 / 2550  # of white: so short a step that the loss is as good as linear along it
MISSED = 0.02  # share of images that a weaker attack may read wrong and a stronger one right


@scenario(
    "masking",
    what="five signs of a hidden gradient",
    expected="no gradient is 0, a tiny step uphill raises the loss, PGD misses what FGSM or square search find in at "
    "most 2% of images, and at eps = 0.5, where any picture can be made grey, no more is read right than by a guess",
)
def masking(context: Context) -> Observation:
    """Each sign is a share of images, held against 2%; the last one against the share of the commonest class."""
    of = differentiable_network(context, 200, 1000)
    gradient = of.target.gradient(of.x, of.labels)
    steps, restarts = (40, 5) if context.full else (20, 2)
    norm_ball = NormBall("inf", EPS)
    strong = _right(of, pgd(of.target, of.x, of.labels, norm_ball, context.rng, steps=steps, restarts=restarts))
    fast = _right(of, fgsm(of.target, of.x, of.labels, norm_ball))
    signs = {
        "without a gradient": float((gradient == 0).all(axis=1).mean()),
        "lower after a tiny step uphill": _fallen(of),
        "found by FGSM and missed by PGD": float((strong & ~fast).mean()),
    }
    if of.shape[0] == of.shape[1]:
        queries = 2000 if context.full else 200
        blind = _right(of, square(of.target, of.x, of.labels, norm_ball, context.rng, queries=queries))
        signs["found by square search and missed by PGD"] = float((strong & ~blind).mean())
    far = pgd(of.target, of.x, of.labels, NormBall("inf", 0.5), context.rng, steps=steps, restarts=restarts)
    left, guess = float(_right(of, far).mean()), float(np.bincount(of.labels).max() / len(of.labels))
    observed = ", ".join(f"{share:.1%} {what}" for what, share in signs.items())
    observed += f"; {left:.1%} read right at eps = 0.5 (a guess: {guess:.1%})"
    held = max(signs.values()) <= MISSED and left <= guess
    return Observation(observed, held, {"images": len(of.x)} | signs | {"left": left, "guess": guess})


def _fallen(of: TrainedNetwork) -> float:
    """The share of images whose loss is lower, by more than rounding, after a step of a tenth of a shade uphill."""
    before = cross_entropies(of.target.probabilities(of.x), of.labels)
    after = cross_entropies(of.target.probabilities(fgsm(of.target, of.x, of.labels, NormBall("inf", TINY))), of.labels)
    return float((after < before - 1e-6 * (1 + before)).mean())


def _right(of: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    found: np.ndarray = of.target.probabilities(x).argmax(axis=1) == of.labels
    return found
