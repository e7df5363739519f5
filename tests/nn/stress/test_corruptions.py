"""Damage to pictures: in range, seeded, worse with severity; and its tools give known answers."""

import numpy as np
import pytest

from nnlaw.nn.stress.images.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from nnlaw.nn.stress.images.image_ops import blur, drawn, edges, warp
from nnlaw.nn.stress.images.out_of_distribution import oddities
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

RNG = np.random.default_rng(0)


def strokes(count: int = 12) -> Array:
    """Pictures with three thick strokes each."""
    rng = np.random.default_rng(5)
    starts, ends = rng.uniform(6, 21, (2, count, 3, 2))
    return drawn(starts, ends, 1.0, 28, 28).astype(np.float32)


def test_there_are_fifteen_kinds_of_five() -> None:
    """As in MNIST-C."""
    assert len(CORRUPTIONS) == 15 and {len(strengths) for _, strengths in CORRUPTIONS.values()} == {len(SEVERITIES)}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_damage_is_in_range_seeded_and_grows(name: str) -> None:
    """Pictures stay float32 in [0, 1], depend on the seed alone, and lie farther off on average at each severity."""
    x = strokes()
    x.setflags(write=False)
    far = [0.0]
    for severity in SEVERITIES:
        found = corrupt(name, x, severity, np.random.default_rng(0))
        assert found.dtype == np.float32 and found.shape == x.shape
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        assert np.array_equal(found, corrupt(name, x, severity, np.random.default_rng(0)))
        far.append(float(np.sqrt(((found - x) ** 2).sum(axis=(1, 2))).mean()))
    assert far == sorted(set(far))


def test_known_damage() -> None:
    """Brightness adds, impulses hit their share, a rotation of nothing is nothing, edges are the outline."""
    x = strokes()
    assert np.allclose(corrupt("brightness", x, 2, RNG), np.minimum(x + 0.2, 1))
    changed = corrupt("impulse noise", np.full((50, 28, 28), 0.5, np.float32), 5, RNG) != 0.5
    assert changed.mean() == pytest.approx(0.27, abs=0.01)
    assert set(np.unique(corrupt("canny edges", x, 5, RNG))) == {0, 1}
    assert corrupt("shot noise", np.zeros_like(x), 5, RNG).max() == 0


def test_unknown_damage_is_refused_in_a_sentence() -> None:
    """Another name, another severity, another size of picture."""
    for name, severity, side in (("rust", 1, 28), ("fog", 0, 28), ("fog", 6, 28), ("fog", 1, 8)):
        with pytest.raises(BadInput, match="expected"):
            corrupt(name, np.zeros((1, side, side), np.float32), severity, RNG)


def test_a_blur_keeps_what_is_even_and_spreads_a_point_evenly() -> None:
    """An even picture stays, a point becomes a Gaussian whose variance is σ² each way."""
    even = np.full((2, 21, 21), 0.3)
    assert np.allclose(blur(even, 2.0), 0.3)
    point = np.zeros((1, 21, 21))
    point[0, 10, 10] = 1
    found = blur(point, 1.5)[0]
    assert np.allclose(found, found.T) and found.sum() == pytest.approx(1, abs=1e-3)
    assert found.sum(axis=0) @ (np.arange(21) - 10) ** 2 == pytest.approx(1.5**2, rel=0.01)


def test_a_warp_is_what_a_shift_or_a_quarter_turn_is() -> None:
    """Whole pixels are moved exactly, black comes in from outside, half a pixel is the mean of two."""
    x = RNG.random((3, 8, 8))
    still, zero = np.broadcast_to(np.eye(2), (3, 2, 2)), np.zeros((3, 2))
    assert np.allclose(warp(x, still, zero), x)
    moved = warp(x, still, zero + np.array([1, 0]))
    assert np.allclose(moved[:, :-1], x[:, 1:]) and not moved[:, -1].any()
    half = warp(x, still, zero + np.array([0, 0.5]))
    assert np.allclose(half[:, :, :-1], (x[:, :, :-1] + x[:, :, 1:]) / 2)
    turned = warp(x, np.broadcast_to([[0, -1], [1, 0]], (3, 2, 2)), zero)
    assert np.allclose(turned, np.rot90(x, 1, axes=(2, 1))) or np.allclose(turned, np.rot90(x, 1, axes=(1, 2)))


def test_edges_of_a_square_are_its_outline() -> None:
    """One closed line around it, nothing inside and nothing far outside."""
    x = np.zeros((1, 28, 28))
    x[0, 8:20, 8:20] = 1
    found = edges(x)[0]
    assert found[11:17, 11:17].sum() == 0 and found[:6].sum() == 0
    assert all(found[14, a:b].any() and found[a:b, 14].any() for a, b in ((6, 10), (18, 22)))
    assert not edges(np.zeros((1, 28, 28))).any()


def test_oddities_are_pictures_of_no_single_digit() -> None:
    """Each kind in range and seeded; two digits are of two classes."""
    x = np.zeros((20, 28, 28), np.float32)
    x[:10, 4:24, 10:18], x[10:, 10:18, 4:24] = 1, 0.5  # class 0 is white, class 1 is grey
    labels = np.repeat([0, 1], 10)
    one, two = (oddities(x, labels, 30, np.random.default_rng(0)) for _ in range(2))
    for name, pictures in one.items():
        assert pictures.shape == (30, 28, 28) and pictures.min() >= 0 and pictures.max() <= 1
        assert np.array_equal(pictures, two[name])
    halves = one["two digits"][:, :, :14].max(axis=(1, 2)), one["two digits"][:, :, 14:].max(axis=(1, 2))
    assert (np.abs(halves[0] - halves[1]) > 0.3).all()
    assert (np.ptp(one["blank"], axis=(1, 2)) == 0).all() and len(np.unique(one["blank"])) == 30
    assert (one["letters"].reshape(30, -1).sum(axis=1) > 15).all()
