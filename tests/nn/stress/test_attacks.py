"""Attacks stay where they may go, are seeded, and find the exact optimum where it is known: on a linear model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from nnlaw.nn.network import Network
from nnlaw.nn.stress.attacks.attack_target import Standardized, margins
from nnlaw.nn.stress.attacks.attacks import fgsm, pgd, square
from nnlaw.nn.stress.attacks.norm_ball import NormBall
from nnlaw.nn.training.evaluation import cross_entropies
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.violation import BadInput

RNG = np.random.default_rng(0)
BALLS = [NormBall("inf", 0.1), NormBall("2", 0.7), NormBall("inf", 0.0), NormBall("2", 0.0)]


@dataclass
class Linear:
    """Two classes, p = softmax(x W)."""

    w: Array

    def probabilities(self, x: Array) -> Array:
        """(N, 2)."""
        z = x @ self.w
        e = np.exp(z - z.max(axis=1, keepdims=True))
        found: Array = e / e.sum(axis=1, keepdims=True)
        return found

    def gradient(self, x: Array, labels: Array) -> Array:
        """(p − onehot) Wᵀ / N."""
        found: Array = (self.probabilities(x) - np.eye(2)[labels]) @ self.w.T / len(x)
        return found


@dataclass
class Blind(Linear):
    """One that tells no gradient."""

    def gradient(self, x: Array, labels: Array) -> Array:
        raise AssertionError("the gradient was asked for")


def linear(count: int = 30, pixels: int = 16) -> tuple[Linear, Array, Array]:
    """A linear model with grey pictures that it reads right, far enough from black and white."""
    rng = np.random.default_rng(1)
    model = Linear(rng.standard_normal((pixels, 2)))
    x = rng.uniform(0.3, 0.7, (count, pixels))
    return model, x, model.probabilities(x).argmax(axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm_ball", BALLS, ids=str)
def test_what_is_drawn_or_projected_lies_in_the_ball_and_the_box(norm_ball: NormBall, dtype: type) -> None:
    """For pictures at the border too, and however far away a point was."""
    x = RNG.choice(np.array([0, 0.02, 0.5, 1]), (40, 25)).astype(dtype)
    for moved in (norm_ball.draw(x, RNG), norm_ball.project(x, x + 9 * RNG.standard_normal(x.shape).astype(dtype)), x):
        kept = norm_ball.project(x, moved)
        assert kept.dtype == dtype and kept.min() >= 0 and kept.max() <= 1
        assert norm_ball.size(kept - x).max() <= norm_ball.eps + 1e-6
        assert np.allclose(norm_ball.project(x, kept), kept, atol=1e-6)


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_no_step_of_that_size_rises_more(norm: str) -> None:
    """g·uphill(g) is ‖g‖₁ under inf and ‖g‖₂ under 2, even of the tiniest gradient; a zero gradient moves nothing."""
    for size in (1.0, 1e-30):
        g = (size * RNG.standard_normal((9, 7))).astype(np.float32)
        rise = (g.astype(np.float64) * NormBall(norm, 1).uphill(g)).sum(axis=1)
        exact = np.linalg.norm(g.astype(np.float64), 1 if norm == "inf" else 2, axis=1)
        assert np.allclose(rise / exact, 1, atol=1e-5)
        assert not NormBall(norm, 1).uphill(0 * g).any()


def test_a_ball_is_one_of_two() -> None:
    """Another norm, or a radius that is none, is refused in a sentence."""
    for norm, eps in (("1", 0.1), ("inf", -1), ("2", float("nan"))):
        with pytest.raises(BadInput, match="expected"):
            NormBall(norm, eps)


@pytest.mark.parametrize(("norm", "dual"), [("inf", 1), ("2", 2)])
def test_fgsm_is_exactly_optimal_on_a_linear_model(norm: str, dual: int) -> None:
    """The margin falls by ε‖w_y − w_j‖ in the dual norm, which is all that can be; PGD finds the same point."""
    model, x, labels = linear()
    norm_ball = NormBall(norm, 0.1)
    before, after = (margins(model.probabilities(z), labels) for z in (x, fgsm(model, x, labels, norm_ball)))
    assert np.allclose(before - after, 0.1 * np.linalg.norm(model.w[:, 0] - model.w[:, 1], dual))
    many = pgd(model, x, labels, norm_ball, np.random.default_rng(0), steps=20, restarts=2)
    fooled = margins(model.probabilities(many), labels) < 0
    assert np.allclose(margins(model.probabilities(many), labels)[~fooled], after[~fooled], atol=0.02)
    assert np.array_equal(fooled, after < 0)


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_a_target_is_approached(norm: str) -> None:
    """Targeted, the labels are what shall be read: their loss falls."""
    model, x, labels = linear()
    norm_ball, needed = NormBall(norm, 0.3), 1 - labels
    before = cross_entropies(model.probabilities(x), needed)
    for moved in (
        fgsm(model, x, needed, norm_ball, targeted=True),
        pgd(model, x, needed, norm_ball, np.random.default_rng(0), restarts=2, targeted=True),
    ):
        assert (cross_entropies(model.probabilities(moved), needed) < before).all()


@pytest.mark.parametrize(("attack", "norm_ball"), [(pgd, NormBall("2", 0.3)), (square, NormBall("inf", 0.05))])
def test_attacks_are_seeded_and_leave_their_input_alone(attack: Callable[..., Array], norm_ball: NormBall) -> None:
    """One seed gives one result and another seed another, within the ball and the box; x is not written to."""
    model, x, labels = linear()
    x.setflags(write=False)
    one, again, other = (attack(model, x, labels, norm_ball, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert norm_ball.size(one - x).max() <= norm_ball.eps + 1e-9 and one.min() >= 0 and one.max() <= 1


def test_more_restarts_fool_no_fewer() -> None:
    """From the same seed, what one start fools two starts fool, and the loss of the others is no lower."""
    model, x, labels = linear(200)
    norm_ball = NormBall("2", 0.2)
    one, two = (pgd(model, x, labels, norm_ball, np.random.default_rng(0), steps=1, restarts=n) for n in (1, 4))
    first, second = (margins(model.probabilities(z), labels) for z in (one, two))
    assert ((second < 0) >= (first < 0)).all() and (second[second >= 0] <= first[second >= 0] + 1e-9).all()


def test_square_search_asks_for_no_gradient_and_ends_near_the_optimum() -> None:
    """On a linear model it comes within a tenth of what FGSM finds, from probabilities alone."""
    model, x, labels = linear()
    norm_ball = NormBall("inf", 0.02)
    found = square(Blind(model.w), x, labels, norm_ball, np.random.default_rng(0), queries=800)
    points = (x, found, fgsm(model, x, labels, norm_ball))
    start, best, least = (margins(model.probabilities(z), labels) for z in points)
    assert ((best < 0) | (start - best > 0.9 * (start - least))).all()


def test_square_search_needs_squares_and_the_largest_change() -> None:
    """Pictures that are no squares, and L2, are refused in a sentence."""
    model, x, labels = linear()
    for pictures, norm_ball in ((x, NormBall("2", 0.1)), (x[:, :15], NormBall("inf", 0.1))):
        with pytest.raises(BadInput, match="expected a square"):
            square(model, pictures, labels, norm_ball, np.random.default_rng(0))


def test_the_input_gradient_is_the_slope_of_the_mean_loss() -> None:
    """It matches finite differences in float64, leaves the mode as it was, and draws no chance."""
    layers = "dense:8 batchnorm tanh dropout:0.5 dense:3"
    net = in_float64(Network(6, 3, np.random.default_rng(0), layers=layers))
    x, labels = RNG.standard_normal((5, 6)), np.array([0, 1, 2, 2, 1])
    chance = net.layers[3].rng.bit_generator.state
    found = net.input_gradient(x, labels)
    assert net.layers[0].needs_dx is False and all(layer.training for layer in net.layers)
    assert net.layers[3].rng.bit_generator.state == chance

    def cost(z: Array) -> float:
        p = net.predict(z)
        return float(cross_entropies(p, labels).mean())

    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        assert found[at] == pytest.approx((cost(x + step) - cost(x - step)) / 2e-6, rel=1e-4, abs=1e-9)


def test_pictures_are_standardized_on_the_way_in_and_slopes_on_the_way_out() -> None:
    """A step h of white raises the loss by h·gradient."""
    net = Network(6, 3, np.random.default_rng(0), layers="dense:8 tanh dense:3")
    target = Standardized(net, 33.3, 78.6)
    x, labels = RNG.random((4, 6)).astype(np.float32), np.array([0, 1, 2, 2])
    assert np.allclose(target.probabilities(x), net.predict(((255 * x - 33.3) / 78.6).astype(np.float32)), atol=1e-5)
    slope, h = target.gradient(x, labels), np.float32(0.01)
    step = h * slope / np.linalg.norm(slope)
    up, down = (cross_entropies(target.probabilities(x + s * step), labels).mean() for s in (1, -1))
    assert (up - down) / 0.02 == pytest.approx(np.linalg.norm(slope), rel=0.01)
