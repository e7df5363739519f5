"""Drills against adversarial pictures: how much of its accuracy a network keeps, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nnlaw.nn.stress.attacks.attacks import fgsm, pgd, square
from nnlaw.nn.stress.attacks.norm_ball import Ball
from nnlaw.nn.stress.image_grid import save_accuracy_curve, save_image_grid
from nnlaw.nn.stress.scenario import Outcome, Scene, Skip, drill
from nnlaw.nn.stress.trained_network import Subject, climbable, subject
from nnlaw.spec.arrays import Array

EPS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
LENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)
SHOWN = 0.1, 1.5  # the eps whose pictures are shown
SLACK = 0.01  # of accuracy: an attack is a search, and may miss a picture that another one finds
ROUNDING = 1e-5  # of a pixel, in float32
Attack = Callable[[Ball], Array]


def _climb(scene: Scene, of: Subject, labels: Array, ball: Ball, targeted: bool = False) -> Array:
    """PGD, with 40 steps and 5 restarts where time does not matter."""
    steps, restarts = (40, 5) if scene.full else (20, 2)
    return pgd(of.victim, of.x, labels, ball, scene.rng, steps=steps, restarts=restarts, targeted=targeted)


def _stray(found: Array, x: Array, ball: Ball) -> str:
    """What is wrong with attacked pictures, nothing where they are pictures within the ball."""
    far, low, high = float(ball.size(found - x).max()), float(found.min()), float(found.max())
    if not far <= ball.eps + ROUNDING:
        return f"a change of {far:.4g} where eps = {ball.eps:g}"
    return "" if low >= 0 and high <= 1 else f"pixels from {low:.4g} to {high:.4g}"


def _assault(scene: Scene, of: Subject, norm: str, sizes: tuple[float, ...], name: str, attack: Attack) -> Outcome:
    """An attack and noise of the same size at each eps, judged, with the curve and the pictures."""
    balls = [Ball(norm, eps) for eps in sizes]
    noise = [of.reads(ball.draw(of.x, scene.rng)) for ball in balls]
    clean, found, stray = of.reads(of.x), [], []
    for ball in balls:
        moved = attack(ball)
        found.append(of.reads(moved))
        stray += [fault for fault in [_stray(moved, of.x, ball)] if fault]
        if ball.eps in SHOWN:
            _show(scene, of, moved, name)
    all_eps, lines = [0.0, *sizes], {name: [clean, *found], "noise of that size": [clean, *noise]}
    label = f"eps ({'largest change of a pixel' if norm == 'inf' else 'length of the change'})"
    save_accuracy_curve(all_eps, lines, label, scene.folder / f"{name}-curve.png")
    weak = [eps for eps, a, b in zip(sizes, found, noise, strict=True) if a > b + SLACK]
    observed = ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(all_eps, lines[name], strict=True))
    observed += "".join(f"; {fault}" for fault in stray)
    observed += f"; noise does more harm at {weak}" if weak else ""
    figures = {"images": len(of.x), "eps": all_eps, "accuracy": lines[name], "noise": lines["noise of that size"]}
    return Outcome(observed, not stray and not weak, figures)


def _show(scene: Scene, of: Subject, moved: Array, name: str) -> None:
    """Ten pictures: clean, the change around mid grey, attacked, with what each is read as."""
    x, moved = of.x[:10], moved[:10]
    change = (moved - x) / (2 * max(float(np.abs(moved - x).max()), ROUNDING)) + 0.5
    rows = np.stack([of.folded(part) for part in (x, change, moved)])
    names = [f"{a} > {b}" for a, b in zip(of.read_as(x), of.read_as(moved), strict=True)]
    save_image_grid(rows, ["clean", "change", "attacked"], names, scene.folder / f"{name}.png")


WITHIN = "stays within eps and [0, 1]; at no eps less harm than noise of that size"


@drill("fgsm", what="one step of eps along the sign of the input gradient", expected=WITHIN)
def fgsm_curve(scene: Scene) -> Outcome:
    """One step from each test image, at several eps."""
    of = climbable(scene, 1000, 10_000)
    return _assault(scene, of, "inf", EPS, "fgsm", lambda ball: fgsm(of.victim, of.x, of.labels, ball))


@drill("pgd", what="many small steps uphill from random starts, no pixel changed by more than eps", expected=WITHIN)
def pgd_curve(scene: Scene) -> Outcome:
    """Madry's attack in the largest-change norm."""
    of = climbable(scene, 300, 2000)
    return _assault(scene, of, "inf", EPS, "pgd", lambda ball: _climb(scene, of, of.labels, ball))


@drill("pgd-l2", what="the same where the whole change has a length of at most eps", expected=WITHIN)
def pgd_l2_curve(scene: Scene) -> Outcome:
    """Madry's attack in the Euclidean norm."""
    of = climbable(scene, 300, 2000)
    return _assault(scene, of, "2", LENGTHS, "pgd-l2", lambda ball: _climb(scene, of, of.labels, ball))


@drill("square", what="random search with squares, which asks for probabilities alone", expected=WITHIN)
def square_curve(scene: Scene) -> Outcome:
    """Andriushchenko's attack, for which no gradient is needed."""
    of = _squared(subject(scene, 200, 1000))
    queries = 2000 if scene.full else 200
    return _assault(
        scene,
        of,
        "inf",
        EPS[2::3],
        "square",
        lambda ball: square(of.victim, of.x, of.labels, ball, scene.rng, queries=queries),
    )


def _squared(of: Subject) -> Subject:
    if of.shape[0] != of.shape[1]:
        raise Skip(f"pictures of {of.shape[0]}×{of.shape[1]} pixels, and the search needs squares")
    return of


@drill(
    "targeted",
    what="PGD towards one wrong class, drawn for each image",
    expected="reached no more often than any wrong class is, and no less often as eps grows",
)
def targeted_curve(scene: Scene) -> Outcome:
    """A picture that is read as the target is read wrong, so aiming can only be harder than missing."""
    of = climbable(scene, 200, 1000)
    other = scene.rng.integers(1, len(of.classes), len(of.labels))
    targets = (of.labels + other) % len(of.classes)
    hit, missed = [], []
    for eps in EPS[2:]:
        ball = Ball("inf", eps)
        aimed = _climb(scene, of, targets, ball, targeted=True)
        hit.append(float((of.victim.probabilities(aimed).argmax(axis=1) == targets).mean()))
        missed.append(1 - of.reads(_climb(scene, of, of.labels, ball)))
    easier = [eps for eps, a, b in zip(EPS[2:], hit, missed, strict=True) if a > b + SLACK]
    falls = [eps for eps, a, b in zip(EPS[3:], hit, hit[1:], strict=False) if b < a - SLACK]
    observed = ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(EPS[2:], hit, strict=True))
    observed += f"; any wrong class is rarer at {easier}" if easier else ""
    observed += f"; rarer than before at {falls}" if falls else ""
    figures = {"images": len(of.x), "eps": list(EPS[2:]), "reached": hit, "any_wrong": missed}
    return Outcome(observed, not easier and not falls, figures)
