"""nn/data/synthetic/: the bytes of a seed, the position on the image, and the editable table of styles."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.layout import SYNTHETIC_MARKER
from nnlaw.nn.data.load import load_folder
from nnlaw.nn.data.synthetic import digits
from nnlaw.nn.data.synthetic.digits import (
    MAX_COUNT,
    MAX_STYLE_POINTS,
    MIN_COUNT,
    default_digits,
    generate_digits,
    train_test_counts,
)
from nnlaw.nn.data.synthetic.splines import MAX_PATH_POINTS, styles
from nnlaw.nn.data.synthetic.strokes import STYLES
from nnlaw.nn.data.writer import create_empty_folder, write_folder
from nnlaw.spec.violation import BadInput

SEED_0 = "b2dfb74f347e98b623d7d3adad9367eaa9e2774a5e7ffdeb7d3ba897dadaf781"


def test_a_seed_gives_the_same_bytes_everywhere() -> None:
    """Other versions of Python and NumPy gave these bytes too; changing them requires a new VERSION."""
    data = generate_digits(0, 200, 50)
    whole = b"".join(a.tobytes() for a in (data.train_images, data.train_labels, data.test_images, data.test_labels))
    assert hashlib.sha256(whole).hexdigest() == SEED_0


def test_synthetic_digits_depend_only_on_their_seed() -> None:
    """Equal seeds give equal data sets, different seeds different ones, and a data set is marked as synthetic."""
    one, two, other = generate_digits(5, 80, 20), generate_digits(5, 80, 20), generate_digits(6, 80, 20)
    assert one.digests() == two.digests() and one.digests() != other.digests()
    assert one.synthetic and one.name == "built-in synthetic digits" and "seed 5" in one.source
    assert one.train_images.shape == (80, 28, 28) and one.test_images.shape == (20, 28, 28)
    assert set(one.train_labels) == set(range(10)) and one.train_images.dtype == np.uint8


def test_no_synthetic_digit_is_in_both_parts() -> None:
    """No two images are equal, so no test image is in the training set."""
    data = generate_digits(2, 200, 100)
    images = [image.tobytes() for image in (*data.train_images, *data.test_images)]
    assert len(set(images)) == 300


def test_a_repeated_image_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the first of several equal images are generated again until all differ."""
    shades = iter([1, 1, 4, 1, 2, 4, 3])

    def render(labels: np.ndarray, *_: object) -> np.ndarray:
        return np.stack([np.full((28, 28), next(shades), np.uint8) for _ in labels])

    monkeypatch.setattr(digits, "render_digits", render)
    data = generate_digits(0, 3, 1)
    assert [*data.train_images[:, 0, 0], *data.test_images[:, 0, 0]] == [1, 2, 4, 3]


def test_synthetic_digits_can_be_distinguished() -> None:
    """The nearest of the ten class means is correct for most test digits, but not for all."""
    data = generate_digits(0, 1000, 300)
    x, test = (a.reshape(len(a), -1).astype(np.float64) for a in (data.train_images, data.test_images))
    means = np.stack([x[data.train_labels == c].mean(axis=0) for c in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.6 < (nearest == data.test_labels).mean() < 1


def test_digits_are_placed_as_in_mnist() -> None:
    """The longer side of the ink is 20 pixels, and the center of mass is within half a pixel of index 14."""
    images = generate_digits(1, 1000, 10).train_images
    inked, mass = images > 0, images.astype(np.float64)
    sides = [np.ptp(np.flatnonzero(lines)) + 1 for image in inked for lines in (image.any(0), image.any(1))]
    longer = np.array(sides).reshape(-1, 2).max(axis=1)
    assert longer.max() == 20 and (longer >= 19).all()
    for axis in (1, 2):
        center = mass.sum(axis=axis) @ np.arange(28) / mass.sum(axis=(1, 2))
        assert (np.abs(center - 14) <= 0.51).mean() > 0.99 and np.abs(center - 14).max() < 1


def test_every_digit_is_equally_frequent() -> None:
    """The counts of the ten labels differ by at most one, and the seed shuffles their order."""
    data = generate_digits(4, 150, 53)
    labels = np.concatenate([data.train_labels, data.test_labels])
    assert set(np.bincount(labels).tolist()) == {20, 21} and len(set(labels[:10].tolist())) < 10


def test_progress_is_reported() -> None:
    """The count grows to the total."""
    calls: list[tuple[int, int]] = []
    generate_digits(0, 2000, 500, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(2048, 2500), (2500, 2500)]


@pytest.mark.parametrize("digit", range(10))
def test_every_style_can_be_rendered(digit: int) -> None:
    """Each has at most MAX_STYLE_POINTS points, fits the square, and gives an image of its own."""
    digit_styles, ends = styles(digit)
    assert len(digit_styles) == len(STYLES[digit]) and ends[-1] == 1
    numbers = np.full((len(digit_styles), digits.NUMBERS), 0.5)
    numbers[:, 0] = ends - 1e-9
    images = digits.render_digits(np.full(len(digit_styles), digit, np.uint8), numbers)
    assert len({image.tobytes() for image in images}) == len(digit_styles) and (images.max(axis=(1, 2)) > 200).all()
    for style in digit_styles:
        assert len(style.points) <= MAX_STYLE_POINTS and len(style.path) <= MAX_PATH_POINTS
        assert style.points.min() >= 0 and style.points.max() <= 100


def test_without_variation_the_path_of_the_table_is_rendered() -> None:
    """Without jitter, bend and slant a simple 1 is an upright bar of the pen's width."""
    steady = digits.HandStyle(0, 0, 0, (0, 0), 0, (1.5, 0, 0), 0.65, 0, (1, 1))
    numbers = np.zeros((1, digits.NUMBERS))
    bar = digits.render_digits(np.ones(1, np.uint8), numbers, steady)[0]
    assert np.flatnonzero(bar.any(axis=1)).tolist() == list(range(4, 24))
    assert np.flatnonzero(bar.any(axis=0)).size == 3 and (bar[6:22].max(axis=1) == 255).all()


def test_a_lifted_pen_leaves_no_ink() -> None:
    """Between the two strokes of a 4 the image is black."""
    steady = digits.HandStyle(0, 0, 0, (0, 0), 0, (0.7, 0, 0), 0.65, 0, (1, 1))
    index = next(i for i, (_, path) in enumerate(STYLES[4]) if "|" in path)
    numbers = np.zeros((1, digits.NUMBERS))
    numbers[0, 0] = styles(4)[1][index] - 1e-9
    lifted = digits.render_digits(np.full(1, 4, np.uint8), numbers, steady)[0]
    assert lifted[5, 13] == 0 and lifted[:8].any()


@pytest.mark.slow
def test_synthetic_digits_resemble_real_ones(mnist: Path) -> None:
    """The nearest of 2,000 synthetic digits has the correct class for most real digits."""
    real, synthetic = load_folder(mnist), generate_digits(0, 2000, 1)
    references = synthetic.train_images.reshape(-1, 784).astype(np.float32)
    queries = real.train_images[:500].reshape(-1, 784).astype(np.float32)
    nearest = ((references**2).sum(axis=1) - 2 * queries @ references.T).argmin(axis=1)
    assert (synthetic.train_labels[nearest] == real.train_labels[:500]).mean() > 0.8


def test_the_default_set_is_generated_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On first use it is generated and cached; an edited hand style is not served from the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(digits, "TRAIN", 100)
    monkeypatch.setattr(digits, "TEST", 30)
    calls: list[int] = []

    def generate(*args: Any) -> Dataset:
        calls.append(1)
        return generate_digits(*args)

    monkeypatch.setattr(digits, "generate_digits", generate)
    first, second = default_digits(), default_digits()
    assert len(calls) == 1 and first.digests() == second.digests()
    assert second.synthetic and second.source == first.source == digits.source_name(0)
    monkeypatch.setattr(digits, "NEAT_HAND_STYLE", digits.HandStyle(jitter=digits.NEAT_HAND_STYLE.jitter + 1))
    default_digits()
    assert len(calls) == 2


@pytest.mark.parametrize("count", [-1, 0, MIN_COUNT - 1, MAX_COUNT + 1])
def test_an_impossible_count_is_refused(count: int) -> None:
    """Too few digits for a test set, and more than an IDX file may contain, are refused."""
    with pytest.raises(BadInput, match=f"count = {count:,}, expected"):
        train_test_counts(count)
    assert train_test_counts(7000) == (6000, 1000) and train_test_counts(70_000) == (60_000, 10_000)


def test_a_folder_of_digits_is_marked_as_synthetic(tmp_path: Path) -> None:
    """A written folder is read back as synthetic; without the marker it is read as MNIST."""
    data = generate_digits(2, 60, 10)
    create_empty_folder(tmp_path / "a" / "b")
    write_folder(tmp_path / "a" / "b", data)
    back = load_folder(tmp_path / "a" / "b")
    assert back.digests() == data.digests() and back.synthetic and back.name == data.name
    assert "seed 2" in (tmp_path / "a" / "b" / SYNTHETIC_MARKER).read_text()
    (tmp_path / "a" / "b" / SYNTHETIC_MARKER).unlink()
    assert not load_folder(tmp_path / "a" / "b").synthetic


def test_files_are_never_overwritten(tmp_path: Path) -> None:
    """A folder that contains a file, and a file in place of the folder, are refused."""
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(BadInput, match="contains mine, expected a new or empty folder"):
        create_empty_folder(tmp_path)
    with pytest.raises(BadInput, match="expected a new or empty folder"):
        create_empty_folder(tmp_path / "mine")
    with pytest.raises(BadInput, match="cannot be written"):
        write_folder(tmp_path / "absent", generate_digits(0, 60, 10))
    assert (tmp_path / "mine").read_text() == "keep"
