"""Corruptions stay in range, are reproducible and grow with severity; image operations give known results."""

import numpy as np
import pytest

from nnlaw.nn.stress.images.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from nnlaw.nn.stress.images.image_ops import blur, canny, render_strokes, warp
from nnlaw.nn.stress.images.out_of_distribution import out_of_distribution
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

RNG = np.random.default_rng(0)


def strokes(count: int = 12) -> Array:
    """Images with three thick strokes each."""
    rng = np.random.default_rng(5)
    starts, ends = rng.uniform(6, 21, (2, count, 3, 2))
    return render_strokes(starts, ends, 1.0, 28, 28).astype(np.float32)


def test_there_are_fifteen_corruptions_of_five_severities() -> None:
    """As in MNIST-C."""
    assert len(CORRUPTIONS) == 15 and {len(strengths) for _, strengths in CORRUPTIONS.values()} == {len(SEVERITIES)}


@pytest.mark.slow
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_in_range_reproducible_and_grows(name: str) -> None:
    """Images stay float32 in [0, 1], depend on the seed alone, and are on average farther away at each severity."""
    x = strokes()
    x.setflags(write=False)
    distances = [0.0]
    for severity in SEVERITIES:
        found = corrupt(name, x, severity, np.random.default_rng(0))
        assert found.dtype == np.float32 and found.shape == x.shape
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
        assert np.array_equal(found, corrupt(name, x, severity, np.random.default_rng(0)))
        distances.append(float(np.sqrt(((found - x) ** 2).sum(axis=(1, 2))).mean()))
    assert distances == sorted(set(distances))


def test_known_corruptions() -> None:
    """Brightness adds, impulse noise changes its share of pixels, edges are 0 or 1, shot noise keeps black."""
    x = strokes()
    assert np.allclose(corrupt("brightness", x, 2, RNG), np.minimum(x + 0.2, 1))
    changed = corrupt("impulse noise", np.full((50, 28, 28), 0.5, np.float32), 5, RNG) != 0.5
    assert changed.mean() == pytest.approx(0.27, abs=0.01)
    assert set(np.unique(corrupt("canny edges", x, 5, RNG))) == {0, 1}
    assert corrupt("shot noise", np.zeros_like(x), 5, RNG).max() == 0


def test_an_unknown_corruption_raises_bad_input() -> None:
    """Another name, another severity, another image size."""
    for name, severity, side in (("rust", 1, 28), ("fog", 0, 28), ("fog", 6, 28), ("fog", 1, 8)):
        with pytest.raises(BadInput, match="expected"):
            corrupt(name, np.zeros((1, side, side), np.float32), severity, RNG)


def test_blur_keeps_constant_images_and_turns_a_point_into_a_gaussian() -> None:
    """A constant image does not change, a point becomes a Gaussian of variance σ² along both axes."""
    even = np.full((2, 21, 21), 0.3)
    assert np.allclose(blur(even, 2.0), 0.3)
    point = np.zeros((1, 21, 21))
    point[0, 10, 10] = 1
    found = blur(point, 1.5)[0]
    assert np.allclose(found, found.T) and found.sum() == pytest.approx(1, abs=1e-3)
    assert found.sum(axis=0) @ (np.arange(21) - 10) ** 2 == pytest.approx(1.5**2, rel=0.01)


def test_warp_shifts_and_rotates() -> None:
    """Shifts by whole pixels are exact, black comes in at the border, a shift by half a pixel is the mean of two."""
    x = RNG.random((3, 8, 8))
    still, zero = np.broadcast_to(np.eye(2), (3, 2, 2)), np.zeros((3, 2))
    assert np.allclose(warp(x, still, zero), x)
    moved = warp(x, still, zero + np.array([1, 0]))
    assert np.allclose(moved[:, :-1], x[:, 1:]) and not moved[:, -1].any()
    half = warp(x, still, zero + np.array([0, 0.5]))
    assert np.allclose(half[:, :, :-1], (x[:, :, :-1] + x[:, :, 1:]) / 2)
    turned = warp(x, np.broadcast_to([[0, -1], [1, 0]], (3, 2, 2)), zero)
    assert np.allclose(turned, np.rot90(x, 1, axes=(2, 1))) or np.allclose(turned, np.rot90(x, 1, axes=(1, 2)))


def test_canny_edges_of_a_square_are_its_outline() -> None:
    """One closed line around it, nothing inside and nothing far outside."""
    x = np.zeros((1, 28, 28))
    x[0, 8:20, 8:20] = 1
    found = canny(x)[0]
    assert found[11:17, 11:17].sum() == 0 and found[:6].sum() == 0
    assert all(found[14, a:b].any() and found[a:b, 14].any() for a, b in ((6, 10), (18, 22)))
    assert not canny(np.zeros((1, 28, 28))).any()


def test_out_of_distribution_images_do_not_show_one_digit() -> None:
    """Each kind is in range and reproducible; two digits are of two classes."""
    x = np.zeros((20, 28, 28), np.float32)
    x[:10, 4:24, 10:18], x[10:, 10:18, 4:24] = 1, 0.5  # class 0 is white, class 1 is gray
    labels = np.repeat([0, 1], 10)
    one, two = (out_of_distribution(x, labels, 30, np.random.default_rng(0)) for _ in range(2))
    for name, images in one.items():
        assert images.shape == (30, 28, 28) and images.min() >= 0 and images.max() <= 1
        assert np.array_equal(images, two[name])
    halves = one["two digits"][:, :, :14].max(axis=(1, 2)), one["two digits"][:, :, 14:].max(axis=(1, 2))
    assert (np.abs(halves[0] - halves[1]) > 0.3).all()
    assert (np.ptp(one["blank"], axis=(1, 2)) == 0).all() and len(np.unique(one["blank"])) == 30
    assert (one["letters"].reshape(30, -1).sum(axis=1) > 15).all()
