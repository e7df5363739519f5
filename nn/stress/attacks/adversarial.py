"""Drills against adversarial pictures: how much of its accuracy a network keeps, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnlaw.nn.stress.attacks.attacks import fgsm, pgd, square
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.stress.image_grid import save_accuracy_curve, save_image_grid
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.trained_network import TrainedNetwork, differentiable_network, trained_network
from nnlaw.spec.arrays import Array

EPS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
LENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)
SHOWN = 0.1, 1.5  # the eps whose pictures are shown
SLACK = 0.01  # of accuracy: an attack is a search, and may miss a picture that another one finds
ROUNDING = 1e-5  # of a pixel, in float32
Attack = Callable[[NormBall], Array]


def _climb(context: Context, of: TrainedNetwork, labels: Array, norm_ball: NormBall, targeted: bool = False) -> Array:
    """PGD, with 40 steps and 5 restarts where time does not matter."""
    steps, restarts = (40, 5) if context.full else (20, 2)
    return pgd(of.target, of.x, labels, norm_ball, context.rng, steps=steps, restarts=restarts, targeted=targeted)


def _stray(found: Array, x: Array, norm_ball: NormBall) -> str:
    """What is wrong with attacked pictures, nothing where they are pictures within the ball."""
    far, low, high = float(norm_ball.size(found - x).max()), float(found.min()), float(found.max())
    if not far <= norm_ball.eps + ROUNDING:
        return f"a change of {far:.4g} where eps = {norm_ball.eps:g}"
    return "" if low >= 0 and high <= 1 else f"pixels from {low:.4g} to {high:.4g}"


def _assault(
    context: Context, of: TrainedNetwork, norm: str, sizes: tuple[float, ...], name: str, attack: Attack
) -> Observation:
    """An attack and noise of the same size at each eps, judged, with the curve and the pictures."""
    balls = [NormBall(norm, eps) for eps in sizes]
    noise = [of.accuracy(norm_ball.draw(of.x, context.rng)) for norm_ball in balls]
    clean, found, stray = of.accuracy(of.x), [], []
    for norm_ball in balls:
        moved = attack(norm_ball)
        found.append(of.accuracy(moved))
        stray += [fault for fault in [_stray(moved, of.x, norm_ball)] if fault]
        if norm_ball.eps in SHOWN:
            _show(context, of, moved, name)
    all_eps, lines = [0.0, *sizes], {name: [clean, *found], "noise of that size": [clean, *noise]}
    label = f"eps ({'largest change of a pixel' if norm == 'inf' else 'length of the change'})"
    save_accuracy_curve(all_eps, lines, label, context.folder / f"{name}-curve.png")
    weak = [eps for eps, a, b in zip(sizes, found, noise, strict=True) if a > b + SLACK]
    observed = ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(all_eps, lines[name], strict=True))
    observed += "".join(f"; {fault}" for fault in stray)
    observed += f"; noise does more harm at {weak}" if weak else ""
    metrics = {"images": len(of.x), "eps": all_eps, "accuracy": lines[name], "noise": lines["noise of that size"]}
    return Observation(observed, not stray and not weak, metrics)


def _show(context: Context, of: TrainedNetwork, moved: Array, name: str) -> None:
    """Ten pictures: clean, the change around mid grey, attacked, with what each is read as."""
    x, moved = of.x[:10], moved[:10]
    change = (moved - x) / (2 * max(float(np.abs(moved - x).max()), ROUNDING)) + 0.5
    rows = np.stack([of.as_images(part) for part in (x, change, moved)])
    names = [f"{a} > {b}" for a, b in zip(of.predictions(x), of.predictions(moved), strict=True)]
    save_image_grid(rows, ["clean", "change", "attacked"], names, context.folder / f"{name}.png")


WITHIN = "stays within eps and [0, 1]; at no eps less harm than noise of that size"


@scenario("fgsm", what="one step of eps along the sign of the input gradient", expected=WITHIN)
def fgsm_curve(context: Context) -> Observation:
    """One step from each test image, at several eps."""
    of = differentiable_network(context, 1000, 10_000)
    return _assault(context, of, "inf", EPS, "fgsm", lambda norm_ball: fgsm(of.target, of.x, of.labels, norm_ball))


@scenario("pgd", what="many small steps uphill from random starts, no pixel changed by more than eps", expected=WITHIN)
def pgd_curve(context: Context) -> Observation:
    """Madry's attack in the largest-change norm."""
    of = differentiable_network(context, 300, 2000)
    return _assault(context, of, "inf", EPS, "pgd", lambda norm_ball: _climb(context, of, of.labels, norm_ball))


@scenario("pgd-l2", what="the same where the whole change has a length of at most eps", expected=WITHIN)
def pgd_l2_curve(context: Context) -> Observation:
    """Madry's attack in the Euclidean norm."""
    of = differentiable_network(context, 300, 2000)
    return _assault(context, of, "2", LENGTHS, "pgd-l2", lambda norm_ball: _climb(context, of, of.labels, norm_ball))


@scenario("square", what="random search with squares, which asks for probabilities alone", expected=WITHIN)
def square_curve(context: Context) -> Observation:
    """Andriushchenko's attack, for which no gradient is needed."""
    of = _squared(trained_network(context, 200, 1000))
    queries = 2000 if context.full else 200
    return _assault(
        context,
        of,
        "inf",
        EPS[2::3],
        "square",
        lambda norm_ball: square(of.target, of.x, of.labels, norm_ball, context.rng, queries=queries),
    )


def _squared(of: TrainedNetwork) -> TrainedNetwork:
    if of.shape[0] != of.shape[1]:
        raise Skip(f"pictures of {of.shape[0]}×{of.shape[1]} pixels, and the search needs squares")
    return of


@scenario(
    "targeted",
    what="PGD towards one wrong class, drawn for each image",
    expected="reached no more often than any wrong class is, and no less often as eps grows",
)
def targeted_curve(context: Context) -> Observation:
    """A picture that is read as the target is read wrong, so aiming can only be harder than missing."""
    of = differentiable_network(context, 200, 1000)
    other = context.rng.integers(1, len(of.classes), len(of.labels))
    targets = (of.labels + other) % len(of.classes)
    hit, missed = [], []
    for eps in EPS[2:]:
        norm_ball = NormBall("inf", eps)
        aimed = _climb(context, of, targets, norm_ball, targeted=True)
        hit.append(float((of.target.probabilities(aimed).argmax(axis=1) == targets).mean()))
        missed.append(1 - of.accuracy(_climb(context, of, of.labels, norm_ball)))
    easier = [eps for eps, a, b in zip(EPS[2:], hit, missed, strict=True) if a > b + SLACK]
    falls = [eps for eps, a, b in zip(EPS[3:], hit, hit[1:], strict=False) if b < a - SLACK]
    observed = ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(EPS[2:], hit, strict=True))
    observed += f"; any wrong class is rarer at {easier}" if easier else ""
    observed += f"; rarer than before at {falls}" if falls else ""
    metrics = {"images": len(of.x), "eps": list(EPS[2:]), "reached": hit, "any_wrong": missed}
    return Observation(observed, not easier and not falls, metrics)
