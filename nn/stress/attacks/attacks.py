"""Adversarial attacks: change images a little so that the network misclassifies them.

    ball = NormBall("inf", 0.1)
    fgsm(target, x, labels, ball)                                one gradient step
    pgd(target, x, labels, ball, rng, steps=40, restarts=5)      many gradient steps
    square(target, x, labels, ball, rng, queries=1000)           random search without gradients

Each takes images x (N, D) in [0, 1] and their labels (N,), and returns images of the same shape in the ball around x
and in [0, 1]. If `targeted`, the labels are the classes to be predicted instead.
"""

from __future__ import annotations

from math import isqrt, sqrt

import numpy as np

from nnlaw.nn.stress.attacks.attack_target import Target, margins
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.training.evaluation import cross_entropies
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

BATCH = 500  # images attacked at a time, so that they fit into the processor's cache


def fgsm(target: Target, x: Array, labels: Array, ball: NormBall, *, targeted: bool = False) -> Array:
    """The fast gradient sign method:  x′ = clip(x + ε·sign(∂L/∂x), 0, 1);  in L2, ε·g/‖g‖ with g = ∂L/∂x.

    If the loss is linear in x, no x′ in the ball has a larger one. Targeted: −ε.
    Source: I. Goodfellow, J. Shlens, C. Szegedy, Explaining and harnessing adversarial examples, ICLR 2015.
    """
    sign = -1 if targeted else 1
    step = [ball.steepest_step(target.gradient(x[rows], labels[rows])) for rows in _parts(x)]
    return ball.project(x, x + x.dtype.type(sign * ball.eps) * np.concatenate(step))


def pgd(
    target: Target,
    x: Array,
    labels: Array,
    ball: NormBall,
    rng: np.random.Generator,
    *,
    steps: int = 40,
    restarts: int = 1,
    targeted: bool = False,
) -> Array:
    """Projected gradient descent (here ascent), from `restarts` random points of the ball:

        x₀ = a random point of the ball around x
        xₖ₊₁ = project(xₖ + α·steepest_step(∂L/∂x at xₖ)),   α = 2.5 ε/steps

    α is large enough to cross the ball and come back. Returns the last xₖ of the first restart that is misclassified,
    or else of the one with the largest loss. Targeted: −α.
    Source: A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018.
    """
    sign, stride = -1 if targeted else 1, 2.5 * ball.eps / steps
    best = x.copy()
    for rows in _parts(x):
        worst = np.full(len(x[rows]), -np.inf)
        open_ = np.arange(rows.start, min(rows.stop, len(x)))
        for _ in range(restarts):
            clean, needed = x[open_], labels[open_]
            moved = ball.sample(clean, rng)
            for _ in range(steps):
                uphill = ball.steepest_step(target.gradient(moved, needed))
                moved = ball.project(clean, moved + x.dtype.type(sign * stride) * uphill)
            p = target.probabilities(moved)
            done = (p.argmax(axis=1) == needed) == targeted
            cost = np.where(done, np.inf, sign * cross_entropies(p, needed))
            better = cost > worst[open_ - rows.start]
            best[open_[better]] = moved[better]
            worst[open_[better] - rows.start] = cost[better]
            open_ = open_[~done]
            if not len(open_):
                break
    return best


def square(
    target: Target, x: Array, labels: Array, ball: NormBall, rng: np.random.Generator, *, queries: int = 1000
) -> Array:
    """The square attack, a random search that uses probabilities and no gradients:

        x′ = clip(x + ε·vertical stripes of ±1, 0, 1)
        `queries` times:  in a random square, x″ = clip(x ± ε, 0, 1), one sign for the whole square;
                          x′ ← x″ if the margin log p_y − max log p_j becomes smaller

    A square covers a share of the image, 0.8 at first, and is halved at fixed times. The search ends for an image that
    is misclassified. Raises BadInput unless the images are square and the norm is "inf".
    Source: M. Andriushchenko et al., Square attack, ECCV 2020, algorithms 1 and 2.
    """
    side = isqrt(x.shape[1])
    if side * side != x.shape[1] or ball.norm != "inf":
        raise BadInput(
            f"square attack: {x.shape[1]} pixels and norm {ball.norm}, expected square images and norm inf"
        )
    eps = x.dtype.type(ball.eps)
    stripes = rng.choice(np.array([-eps, eps]), (len(x), 1, side))
    best: Array = np.clip(x + np.broadcast_to(stripes, (len(x), side, side)).reshape(x.shape), 0, 1)
    margin = margins(target.probabilities(best), labels)
    for query in range(queries):
        open_ = np.flatnonzero(margin > 0)
        if not len(open_):
            break
        edge = max(1, min(side - 1, round(side * sqrt(_share(query / queries)))))
        moved = _with_square(x[open_], best[open_], eps, edge, side, rng)
        found = margins(target.probabilities(moved), labels[open_])
        better = found < margin[open_]
        best[open_[better]], margin[open_[better]] = moved[better], found[better]
    return best


def _with_square(x: Array, best: Array, eps: Array, edge: int, side: int, rng: np.random.Generator) -> Array:
    """`best` with one square of each image replaced by x ± ε."""
    corner = rng.integers(0, side - edge, (2, len(x), 1), endpoint=True)
    sign = np.where(rng.random((len(x), 1)) < 0.5, -eps, eps)
    across, down = np.arange(side * side) % side, np.arange(side * side) // side
    inside = (down >= corner[0]) & (down < corner[0] + edge) & (across >= corner[1]) & (across < corner[1] + edge)
    found: Array = np.where(inside, np.clip(x + sign, 0, 1), best)
    return found


HALVED = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # shares of the queries after which squares shrink


def _share(done: float) -> float:
    """The share of the image that a square covers, as in the source."""
    return 0.8 * 0.5 ** sum(done > time for time in HALVED)


def _parts(x: Array) -> list[slice]:
    return [slice(i, i + BATCH) for i in range(0, len(x), BATCH)]
