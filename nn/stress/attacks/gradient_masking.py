"""Scenario: is a network robust, or does it only hide its gradient? Then attacks that need no gradient still work.

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
TINY = 1 / 2550  # a tenth of a gray level, a step along which the loss is almost linear
MAX_SHARE = 0.02  # of images on which a weaker attack may succeed and a stronger one fail


@scenario(
    "masking",
    what="five signs of a masked gradient",
    expected="no gradient is 0; a tiny step along the gradient raises the loss; on at most 2% of images PGD fails and "
    "FGSM or the square attack succeeds; at eps = 0.5, which can turn any image gray, accuracy is at most that of a "
    "constant guess",
)
def masking(context: Context) -> Observation:
    """Each sign is a share of images, at most 2%; the last one is at most the share of the most frequent class."""
    net = differentiable_network(context, 200, 1000)
    gradient = net.target.gradient(net.x, net.labels)
    steps, restarts = (40, 5) if context.full else (20, 2)
    ball = NormBall("inf", EPS)
    strong = _correct(net, pgd(net.target, net.x, net.labels, ball, context.rng, steps=steps, restarts=restarts))
    fast = _correct(net, fgsm(net.target, net.x, net.labels, ball))
    signs = {
        "zero gradient": float((gradient == 0).all(axis=1).mean()),
        "loss falls after a tiny step along the gradient": _share_of_falling_loss(net),
        "FGSM succeeds, PGD fails": float((strong & ~fast).mean()),
    }
    if net.shape[0] == net.shape[1]:
        queries = 2000 if context.full else 200
        blind = _correct(net, square(net.target, net.x, net.labels, ball, context.rng, queries=queries))
        signs["square attack succeeds, PGD fails"] = float((strong & ~blind).mean())
    far = pgd(net.target, net.x, net.labels, NormBall("inf", 0.5), context.rng, steps=steps, restarts=restarts)
    left, guess = float(_correct(net, far).mean()), float(np.bincount(net.labels).max() / len(net.labels))
    observed = ", ".join(f"{what}: {share:.1%}" for what, share in signs.items())
    observed += f"; accuracy {left:.1%} at eps = 0.5 (a constant guess: {guess:.1%})"
    passed = max(signs.values()) <= MAX_SHARE and left <= guess
    return Observation(observed, passed, {"images": len(net.x)} | signs | {"left": left, "guess": guess})


def _share_of_falling_loss(net: TrainedNetwork) -> float:
    """The share of images whose loss is lower, by more than rounding, after a tiny FGSM step."""
    before = cross_entropies(net.target.probabilities(net.x), net.labels)
    moved = fgsm(net.target, net.x, net.labels, NormBall("inf", TINY))
    after = cross_entropies(net.target.probabilities(moved), net.labels)
    return float((after < before - 1e-6 * (1 + before)).mean())


def _correct(net: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    found: np.ndarray = net.target.probabilities(x).argmax(axis=1) == net.labels
    return found
