"""Attacks stay in their ball, depend only on the seed, and find the exact optimum on a linear model."""

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
class WithoutGradient(Linear):
    """A model whose gradient can't be used."""

    def gradient(self, x: Array, labels: Array) -> Array:
        raise AssertionError("the gradient was used")


def linear(count: int = 30, pixels: int = 16) -> tuple[Linear, Array, Array]:
    """A linear model, and gray images that it classifies correctly, far enough from black and white."""
    rng = np.random.default_rng(1)
    model = Linear(rng.standard_normal((pixels, 2)))
    x = rng.uniform(0.3, 0.7, (count, pixels))
    return model, x, model.probabilities(x).argmax(axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ball", BALLS, ids=str)
def test_sampled_and_projected_points_are_in_the_ball(ball: NormBall, dtype: type) -> None:
    """And in [0, 1], also for images at the border, and for points far away."""
    x = RNG.choice(np.array([0, 0.02, 0.5, 1]), (40, 25)).astype(dtype)
    for moved in (ball.sample(x, RNG), ball.project(x, x + 9 * RNG.standard_normal(x.shape).astype(dtype)), x):
        kept = ball.project(x, moved)
        assert kept.dtype == dtype and kept.min() >= 0 and kept.max() <= 1
        assert ball.norms(kept - x).max() <= ball.eps + 1e-6
        assert np.allclose(ball.project(x, kept), kept, atol=1e-6)


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_the_steepest_step_is_optimal(norm: str) -> None:
    """g·step is ‖g‖₁ for inf and ‖g‖₂ for 2, also for tiny gradients; it is 0 for a zero gradient."""
    for size in (1.0, 1e-30):
        g = (size * RNG.standard_normal((9, 7))).astype(np.float32)
        rise = (g.astype(np.float64) * NormBall(norm, 1).steepest_step(g)).sum(axis=1)
        exact = np.linalg.norm(g.astype(np.float64), 1 if norm == "inf" else 2, axis=1)
        assert np.allclose(rise / exact, 1, atol=1e-5)
        assert not NormBall(norm, 1).steepest_step(0 * g).any()


def test_another_norm_or_a_wrong_radius_is_refused() -> None:
    """In one sentence."""
    for norm, eps in (("1", 0.1), ("inf", -1), ("2", float("nan"))):
        with pytest.raises(BadInput, match="expected"):
            NormBall(norm, eps)


@pytest.mark.parametrize(("norm", "dual"), [("inf", 1), ("2", 2)])
def test_fgsm_is_exactly_optimal_on_a_linear_model(norm: str, dual: int) -> None:
    """The margin falls by ε‖w_y − w_j‖ in the dual norm, the largest possible; PGD finds the same point."""
    model, x, labels = linear()
    ball = NormBall(norm, 0.1)
    before, after = (margins(model.probabilities(z), labels) for z in (x, fgsm(model, x, labels, ball)))
    assert np.allclose(before - after, 0.1 * np.linalg.norm(model.w[:, 0] - model.w[:, 1], dual))
    many = pgd(model, x, labels, ball, np.random.default_rng(0), steps=20, restarts=2)
    fooled = margins(model.probabilities(many), labels) < 0
    assert np.allclose(margins(model.probabilities(many), labels)[~fooled], after[~fooled], atol=0.02)
    assert np.array_equal(fooled, after < 0)


@pytest.mark.parametrize("norm", ["inf", "2"])
def test_a_targeted_attack_approaches_the_target(norm: str) -> None:
    """The loss of the target labels falls."""
    model, x, labels = linear()
    ball, needed = NormBall(norm, 0.3), 1 - labels
    before = cross_entropies(model.probabilities(x), needed)
    for moved in (
        fgsm(model, x, needed, ball, targeted=True),
        pgd(model, x, needed, ball, np.random.default_rng(0), restarts=2, targeted=True),
    ):
        assert (cross_entropies(model.probabilities(moved), needed) < before).all()


@pytest.mark.parametrize(("attack", "ball"), [(pgd, NormBall("2", 0.3)), (square, NormBall("inf", 0.05))])
def test_attacks_depend_on_the_seed_and_keep_their_input(attack: Callable[..., Array], ball: NormBall) -> None:
    """The same seed gives the same result, in the ball and in [0, 1]; x is not changed."""
    model, x, labels = linear()
    x.setflags(write=False)
    one, same, other = (attack(model, x, labels, ball, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert ball.norms(one - x).max() <= ball.eps + 1e-9 and one.min() >= 0 and one.max() <= 1


def test_more_restarts_succeed_at_least_as_often() -> None:
    """With the same seed, the images misclassified after one start stay so, and the loss of the others is not lower."""
    model, x, labels = linear(200)
    ball = NormBall("2", 0.2)
    one, two = (pgd(model, x, labels, ball, np.random.default_rng(0), steps=1, restarts=n) for n in (1, 4))
    first, second = (margins(model.probabilities(z), labels) for z in (one, two))
    assert ((second < 0) >= (first < 0)).all() and (second[second >= 0] <= first[second >= 0] + 1e-9).all()


def test_the_square_attack_needs_no_gradient() -> None:
    """On a linear model it comes within 10% of the optimum, from probabilities only."""
    model, x, labels = linear()
    ball = NormBall("inf", 0.02)
    found = square(WithoutGradient(model.w), x, labels, ball, np.random.default_rng(0), queries=800)
    points = (x, found, fgsm(model, x, labels, ball))
    start, best, least = (margins(model.probabilities(z), labels) for z in points)
    assert ((best < 0) | (start - best > 0.9 * (start - least))).all()


def test_the_square_attack_needs_square_images_and_norm_inf() -> None:
    """Others are refused in one sentence."""
    model, x, labels = linear()
    for images, ball in ((x, NormBall("2", 0.1)), (x[:, :15], NormBall("inf", 0.1))):
        with pytest.raises(BadInput, match="expected square images and norm inf"):
            square(model, images, labels, ball, np.random.default_rng(0))


def test_the_input_gradient_matches_finite_differences() -> None:
    """In float64. The mode and the random generators of the layers do not change."""
    layers = "dense:8 batchnorm tanh dropout:0.5 dense:3"
    net = in_float64(Network(6, 3, np.random.default_rng(0), layers=layers))
    x, labels = RNG.standard_normal((5, 6)), np.array([0, 1, 2, 2, 1])
    state = net.layers[3].rng.bit_generator.state
    found = net.input_gradient(x, labels)
    assert net.layers[0].needs_dx is False and all(layer.training for layer in net.layers)
    assert net.layers[3].rng.bit_generator.state == state

    def cost(z: Array) -> float:
        p = net.predict(z)
        return float(cross_entropies(p, labels).mean())

    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = 1e-6
        assert found[at] == pytest.approx((cost(x + step) - cost(x - step)) / 2e-6, rel=1e-4, abs=1e-9)


def test_a_standardized_model_takes_pixel_intensities() -> None:
    """A change h of the pixels raises the loss by h·gradient."""
    net = Network(6, 3, np.random.default_rng(0), layers="dense:8 tanh dense:3")
    target = Standardized(net, 33.3, 78.6)
    x, labels = RNG.random((4, 6)).astype(np.float32), np.array([0, 1, 2, 2])
    assert np.allclose(target.probabilities(x), net.predict(((255 * x - 33.3) / 78.6).astype(np.float32)), atol=1e-5)
    slope, h = target.gradient(x, labels), np.float32(0.01)
    step = h * slope / np.linalg.norm(slope)
    up, down = (cross_entropies(target.probabilities(x + s * step), labels).mean() for s in (1, -1))
    assert (up - down) / 0.02 == pytest.approx(np.linalg.norm(slope), rel=0.01)
