"""Scenarios: accuracy under adversarial attacks. Each attack must stay within its limits and be stronger than noise."""

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
EPS_L2 = (0.5, 1.0, 1.5, 2.0, 3.0)
EPS_SHOWN = 0.1, 1.5  # images are saved for these
TOLERANCE = 0.01  # of accuracy: an attack is a search and may miss an image that another one finds
ROUNDING = 1e-5  # of a pixel, in float32
Attack = Callable[[NormBall], Array]


def _pgd(context: Context, net: TrainedNetwork, labels: Array, ball: NormBall, targeted: bool = False) -> Array:
    """PGD; a thorough run has 40 steps and 5 restarts."""
    steps, restarts = (40, 5) if context.full else (20, 2)
    return pgd(net.target, net.x, labels, ball, context.rng, steps=steps, restarts=restarts, targeted=targeted)


def _outside(attacked: Array, x: Array, ball: NormBall) -> str:
    """How attacked images exceed the ball or [0, 1], in words; empty if they don't."""
    largest, low, high = float(ball.norms(attacked - x).max()), float(attacked.min()), float(attacked.max())
    if not largest <= ball.eps + ROUNDING:
        return f"a change of {largest:.4g} at eps = {ball.eps:g}"
    return "" if low >= 0 and high <= 1 else f"pixels from {low:.4g} to {high:.4g}"


def _accuracy_under(
    context: Context, net: TrainedNetwork, norm: str, sizes: tuple[float, ...], name: str, attack: Attack
) -> Observation:
    """Accuracy under an attack and under noise of the same size at each eps; saves the curve and some images."""
    balls = [NormBall(norm, eps) for eps in sizes]
    noise = [net.accuracy(ball.sample(net.x, context.rng)) for ball in balls]
    clean, accuracy, outside = net.accuracy(net.x), [], []
    for ball in balls:
        attacked = attack(ball)
        accuracy.append(net.accuracy(attacked))
        outside += [fault for fault in [_outside(attacked, net.x, ball)] if fault]
        if ball.eps in EPS_SHOWN:
            _save_examples(context, net, attacked, name)
    all_eps, lines = [0.0, *sizes], {name: [clean, *accuracy], "noise of the same size": [clean, *noise]}
    label = f"eps ({'largest change of a pixel' if norm == 'inf' else 'L2 norm of the change'})"
    save_accuracy_curve(all_eps, lines, label, context.folder / f"{name}-curve.png")
    weak = [eps for eps, a, b in zip(sizes, accuracy, noise, strict=True) if a > b + TOLERANCE]
    observed = "accuracy " + ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(all_eps, lines[name], strict=True))
    observed += "".join(f"; {fault}" for fault in outside)
    observed += f"; noise is worse at {weak}" if weak else ""
    metrics = {"images": len(net.x), "eps": all_eps, "accuracy": lines[name], "noise": [clean, *noise]}
    return Observation(observed, not outside and not weak, metrics)


def _save_examples(context: Context, net: TrainedNetwork, attacked: Array, name: str) -> None:
    """Save ten images: clean, the change around middle gray, attacked, with the predictions."""
    x, attacked = net.x[:10], attacked[:10]
    change = (attacked - x) / (2 * max(float(np.abs(attacked - x).max()), ROUNDING)) + 0.5
    rows = np.stack([net.as_images(part) for part in (x, change, attacked)])
    names = [f"{a} > {b}" for a, b in zip(net.predictions(x), net.predictions(attacked), strict=True)]
    save_image_grid(rows, ["clean", "change", "attacked"], names, context.folder / f"{name}.png")


STRONGER = "images stay within eps and in [0, 1]; accuracy is at no eps above that under noise of the same size"


@scenario("fgsm", what="FGSM: one step of eps along the sign of the input gradient", expected=STRONGER)
def fgsm_curve(context: Context) -> Observation:
    """One step from each test image, at several eps."""
    net = differentiable_network(context, 1000, 10_000)
    return _accuracy_under(context, net, "inf", EPS, "fgsm", lambda ball: fgsm(net.target, net.x, net.labels, ball))


@scenario("pgd", what="PGD: small gradient steps from random starts, pixels change by at most eps", expected=STRONGER)
def pgd_curve(context: Context) -> Observation:
    """PGD in the L∞ norm."""
    net = differentiable_network(context, 300, 2000)
    return _accuracy_under(context, net, "inf", EPS, "pgd", lambda ball: _pgd(context, net, net.labels, ball))


@scenario("pgd-l2", what="PGD: the L2 norm of the whole change is at most eps", expected=STRONGER)
def pgd_l2_curve(context: Context) -> Observation:
    """PGD in the L2 norm."""
    net = differentiable_network(context, 300, 2000)
    return _accuracy_under(context, net, "2", EPS_L2, "pgd-l2", lambda ball: _pgd(context, net, net.labels, ball))


@scenario("square", what="square attack: a random search that uses probabilities, not gradients", expected=STRONGER)
def square_curve(context: Context) -> Observation:
    """The square attack. Skipped unless the images are square."""
    net, queries = trained_network(context, 200, 1000), 2000 if context.full else 200
    if net.shape[0] != net.shape[1]:
        raise Skip(f"images of {net.shape[0]}×{net.shape[1]} pixels; the square attack needs square images")

    def attack(ball: NormBall) -> Array:
        return square(net.target, net.x, net.labels, ball, context.rng, queries=queries)

    return _accuracy_under(context, net, "inf", EPS[2::3], "square", attack)


@scenario(
    "targeted",
    what="PGD toward one wrong class per image, chosen at random",
    expected="predicted no more often than any wrong class under PGD, and no less often as eps grows",
)
def targeted_curve(context: Context) -> Observation:
    """An image predicted as the target class is misclassified, so a targeted attack can't succeed more often."""
    net, sizes = differentiable_network(context, 200, 1000), EPS[2:]
    other = context.rng.integers(1, len(net.classes), len(net.labels))
    targets = (net.labels + other) % len(net.classes)
    hit, wrong = [], []
    for eps in sizes:
        ball = NormBall("inf", eps)
        attacked = _pgd(context, net, targets, ball, targeted=True)
        hit.append(float((net.target.probabilities(attacked).argmax(axis=1) == targets).mean()))
        wrong.append(1 - net.accuracy(_pgd(context, net, net.labels, ball)))
    more_often = [eps for eps, a, b in zip(sizes, hit, wrong, strict=True) if a > b + TOLERANCE]
    falls = [eps for eps, a, b in zip(EPS[3:], hit, hit[1:], strict=False) if b < a - TOLERANCE]
    observed = ", ".join(f"{a:.1%} at {eps:g}" for eps, a in zip(sizes, hit, strict=True))
    observed += f"; more often than any wrong class at {more_often}" if more_often else ""
    observed += f"; less often than at the eps before at {falls}" if falls else ""
    metrics = {"images": len(net.x), "eps": list(sizes), "reached": hit, "any_wrong": wrong}
    return Observation(observed, not more_often and not falls, metrics)
