"""Attacks: pictures that a person reads as before and the network does not.

    ball = Ball("inf", 0.1)
    fgsm(victim, x, labels, ball)                          one step
    pgd(victim, x, labels, ball, rng, steps=40, restarts=5)      many steps
    square(victim, x, labels, ball, rng, queries=1000)     no gradient at all

Each is given pictures x (N, D) in [0, 1] and their labels (N,), and returns pictures of the same shape within the ball
around x and within [0, 1]. Where `targeted`, the labels are what the pictures shall be read as instead.
"""

from __future__ import annotations

from math import isqrt, sqrt

import numpy as np

from nnlaw.nn.stress.attacks.attack_target import Target, margins
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.training.evaluation import cross_entropies
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

TOGETHER = 500  # pictures attacked at a time: as many as a cache holds


def fgsm(target: Target, x: Array, labels: Array, norm_ball: NormBall, *, targeted: bool = False) -> Array:
    """The fast gradient sign method:  x′ = clip(x + ε·sign(∂L/∂x), 0, 1),  or with ∂L/∂x divided by its length in L2.

    Where the loss is linear in x no x′ in the ball costs more. Targeted: downhill, −ε.
    Source: I. Goodfellow, J. Shlens, C. Szegedy, Explaining and harnessing adversarial examples, ICLR 2015.
    """
    way = -1 if targeted else 1
    step = [norm_ball.uphill(target.gradient(x[rows], labels[rows])) for rows in _parts(x)]
    return norm_ball.project(x, x + x.dtype.type(way * norm_ball.eps) * np.concatenate(step))


def pgd(
    target: Target,
    x: Array,
    labels: Array,
    norm_ball: NormBall,
    rng: np.random.Generator,
    *,
    steps: int = 40,
    restarts: int = 1,
    targeted: bool = False,
) -> Array:
    """Projected gradient descent (here ascent), from `restarts` random points of the ball:

        x₀ = somewhere in the ball around x
        xₖ₊₁ = project(xₖ + α·uphill(∂L/∂x at xₖ)),   α = 2.5 ε/steps

    so that it can cross the ball and come back. The last xₖ is taken; of the restarts the first that is
    read wrong, or else the one with the largest loss. Targeted: downhill.
    Source: A. Madry et al., Towards deep learning models resistant to adversarial attacks, ICLR 2018.
    """
    way, stride = -1 if targeted else 1, 2.5 * norm_ball.eps / steps
    best = x.copy()
    for rows in _parts(x):
        worst = np.full(len(x[rows]), -np.inf)
        open_ = np.arange(rows.start, min(rows.stop, len(x)))
        for _ in range(restarts):
            clean, needed = x[open_], labels[open_]
            moved = norm_ball.draw(clean, rng)
            for _ in range(steps):
                uphill = norm_ball.uphill(target.gradient(moved, needed))
                moved = norm_ball.project(clean, moved + x.dtype.type(way * stride) * uphill)
            p = target.probabilities(moved)
            done = (p.argmax(axis=1) == needed) == targeted
            cost = np.where(done, np.inf, way * cross_entropies(p, needed))
            better = cost > worst[open_ - rows.start]
            best[open_[better]] = moved[better]
            worst[open_[better] - rows.start] = cost[better]
            open_ = open_[~done]
            if not len(open_):
                break
    return best


def square(
    target: Target, x: Array, labels: Array, norm_ball: NormBall, rng: np.random.Generator, *, queries: int = 1000
) -> Array:
    """Random search with squares, which asks for probabilities and never for a gradient:

        x′ = clip(x + ε·vertical stripes of ±1, 0, 1)
        `queries` times:  in a random square, x″ = clip(x ± ε, 0, 1), one sign for the whole square;
                          x′ ← x″ where the margin log p_y − max log p_j becomes smaller

    A square covers a share p of the picture, 0.8 at first, halved again and again. It ends for a picture that is read
    wrong. Pictures must be square and the norm "inf": raises BadInput otherwise.
    Source: M. Andriushchenko et al., Square attack, ECCV 2020, algorithms 1 and 2.
    """
    side = isqrt(x.shape[1])
    if side * side != x.shape[1] or norm_ball.norm != "inf":
        raise BadInput(f"square search: {x.shape[1]} pixels under norm {norm_ball.norm}, expected a square under inf")
    eps = x.dtype.type(norm_ball.eps)
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
    """`best` with one square of each picture replaced by x ± ε."""
    corner = rng.integers(0, side - edge, (2, len(x), 1), endpoint=True)
    sign = np.where(rng.random((len(x), 1)) < 0.5, -eps, eps)
    across, down = np.arange(side * side) % side, np.arange(side * side) // side
    inside = (down >= corner[0]) & (down < corner[0] + edge) & (across >= corner[1]) & (across < corner[1] + edge)
    found: Array = np.where(inside, np.clip(x + sign, 0, 1), best)
    return found


HALVED = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # shares of the queries after which squares shrink


def _share(done: float) -> float:
    """The share of the picture that a square covers, as in the source."""
    return 0.8 * 0.5 ** sum(done > when for when in HALVED)


def _parts(x: Array) -> list[slice]:
    return [slice(i, i + TOGETHER) for i in range(0, len(x), TOGETHER)]
