"""The built-in digits by themselves: what a seed draws, how it is framed, and what a person may edit."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.data.dataset import Dataset, load_folder
from nnlaw.nn.data.layout import MARKER
from nnlaw.nn.data.synthetic import digits
from nnlaw.nn.data.synthetic.digits import FEWEST, HAND, MOST, POINTS, built_in, default, shares
from nnlaw.nn.data.synthetic.splines import MAX_LENGTH, styles
from nnlaw.nn.data.synthetic.strokes import STYLES
from nnlaw.nn.data.writer import make_empty, write_folder
from nnlaw.spec.violation import BadInput

SEED_0 = "b2dfb74f347e98b623d7d3adad9367eaa9e2774a5e7ffdeb7d3ba897dadaf781"


def test_a_seed_draws_the_same_bytes_everywhere() -> None:
    """These bytes were drawn with other versions of Python and NumPy too; a change of them is a new VERSION."""
    data = built_in(0, 200, 50)
    whole = b"".join(a.tobytes() for a in (data.train_images, data.train_labels, data.test_images, data.test_labels))
    assert hashlib.sha256(whole).hexdigest() == SEED_0


def test_built_in_digits_come_from_their_seed_alone() -> None:
    """One seed draws one data set, another seed another, and the data set says that it is synthetic."""
    one, two, other = built_in(5, 80, 20), built_in(5, 80, 20), built_in(6, 80, 20)
    assert one.digests() == two.digests() and one.digests() != other.digests()
    assert one.synthetic and one.name == "built-in synthetic digits" and "seed 5" in one.source
    assert one.train_images.shape == (80, 28, 28) and one.test_images.shape == (20, 28, 28)
    assert set(one.train_labels) == set(range(10)) and one.train_images.dtype == np.uint8


def test_no_built_in_digit_is_in_both_parts() -> None:
    """No picture is drawn twice, so that none of the test is trained on."""
    data = built_in(2, 200, 100)
    pictures = [image.tobytes() for image in (*data.train_images, *data.test_images)]
    assert len(set(pictures)) == 300


def test_a_digit_drawn_twice_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pen repeats itself, all but the first of the pictures are drawn anew until none is the same."""
    from nnlaw.nn.data.synthetic import digits

    shades = iter([1, 1, 4, 1, 2, 4, 3])

    def draw(labels: np.ndarray, *_: object) -> np.ndarray:
        return np.stack([np.full((28, 28), next(shades), np.uint8) for _ in labels])

    monkeypatch.setattr(digits, "pictures", draw)
    data = built_in(0, 3, 1)
    assert [*data.train_images[:, 0, 0], *data.test_images[:, 0, 0]] == [1, 2, 4, 3]


def test_built_in_digits_can_be_told_apart() -> None:
    """The nearest of the ten mean pictures is the right one for most test digits, but not for all."""
    data = built_in(0, 1000, 300)
    x, test = (a.reshape(len(a), -1).astype(np.float64) for a in (data.train_images, data.test_images))
    means = np.stack([x[data.train_labels == c].mean(axis=0) for c in range(10)])
    nearest = ((test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert 0.6 < (nearest == data.test_labels).mean() < 1


def test_digits_are_framed_as_mnist_was() -> None:
    """The longer side of the ink is 20 pixels, and the center of mass lies within half a pixel of index 14."""
    images = built_in(1, 1000, 10).train_images
    inked, mass = images > 0, images.astype(np.float64)
    sides = [np.ptp(np.flatnonzero(lines)) + 1 for picture in inked for lines in (picture.any(0), picture.any(1))]
    longer = np.array(sides).reshape(-1, 2).max(axis=1)
    assert longer.max() == 20 and (longer >= 19).all()
    for axis in (1, 2):
        center = mass.sum(axis=axis) @ np.arange(28) / mass.sum(axis=(1, 2))
        assert (np.abs(center - 14) <= 0.51).mean() > 0.99 and np.abs(center - 14).max() < 1


def test_every_digit_is_drawn_equally_often() -> None:
    """The ten labels are as even as the count allows, in an order that the seed shuffles."""
    data = built_in(4, 150, 53)
    labels = np.concatenate([data.train_labels, data.test_labels])
    assert set(np.bincount(labels).tolist()) == {20, 21} and len(set(labels[:10].tolist())) < 10


def test_whoever_listens_hears_how_many_are_drawn() -> None:
    """The count grows to the total."""
    heard: list[tuple[int, int]] = []
    built_in(0, 2000, 500, tell=lambda done, total: heard.append((done, total)))
    assert heard == [(2048, 2500), (2500, 2500)]


@pytest.mark.parametrize("digit", range(10))
def test_every_style_can_be_drawn(digit: int) -> None:
    """Each has no more points than there are numbers for, fits the square, and leaves ink of its own."""
    known, ends = styles(digit)
    assert len(known) == len(STYLES[digit]) and ends[-1] == 1
    numbers = np.full((len(known), digits.NUMBERS), 0.5)
    numbers[:, 0] = ends - 1e-9
    drawn = digits.pictures(np.full(len(known), digit, np.uint8), numbers)
    assert len({picture.tobytes() for picture in drawn}) == len(known) and (drawn.max(axis=(1, 2)) > 200).all()
    for style in known:
        assert len(style.points) <= POINTS and len(style.path) <= MAX_LENGTH
        assert style.points.min() >= 0 and style.points.max() <= 100


def test_a_steady_hand_draws_the_path_of_the_table() -> None:
    """Without jitter, bend and slant a plain 1 is an upright bar of the pen's width."""
    steady = digits.Hand(0, 0, 0, (0, 0), 0, (1.5, 0, 0), 0.65, 0, (1, 1))
    numbers = np.zeros((1, digits.NUMBERS))
    bar = digits.pictures(np.ones(1, np.uint8), numbers, steady)[0]
    assert np.flatnonzero(bar.any(axis=1)).tolist() == list(range(4, 24))
    assert np.flatnonzero(bar.any(axis=0)).size == 3 and (bar[6:22].max(axis=1) == 255).all()


def test_a_pen_that_is_lifted_leaves_no_ink() -> None:
    """Between the stem and the foot of a 1 the paper stays black."""
    steady = digits.Hand(0, 0, 0, (0, 0), 0, (0.7, 0, 0), 0.65, 0, (1, 1))
    place = next(i for i, (_, path) in enumerate(STYLES[4]) if "|" in path)
    numbers = np.zeros((1, digits.NUMBERS))
    numbers[0, 0] = styles(4)[1][place] - 1e-9
    lifted = digits.pictures(np.full(1, 4, np.uint8), numbers, steady)[0]
    assert lifted[5, 13] == 0 and lifted[:8].any()


def test_digits_read_as_real_ones_do(mnist: Path) -> None:
    """The most similar of 2,000 built-in digits is of the right class for most real digits."""
    real, drawn = load_folder(mnist), built_in(0, 2000, 1)
    known = drawn.train_images.reshape(-1, 784).astype(np.float32)
    asked = real.train_images[:500].reshape(-1, 784).astype(np.float32)
    nearest = ((known**2).sum(axis=1) - 2 * asked @ known.T).argmin(axis=1)
    assert (drawn.train_labels[nearest] == real.train_labels[:500]).mean() > 0.8


def test_the_default_set_is_drawn_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On first use it is drawn and kept; then it comes from the cache, the same; an edited hand draws it anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(digits, "TRAIN", 100)
    monkeypatch.setattr(digits, "TEST", 30)
    draws: list[int] = []

    def drawing(tell: digits.Tell | None = None) -> Dataset:
        draws.append(1)
        return built_in(0, 100, 30, tell)

    monkeypatch.setattr(digits, "built_in", drawing)
    first, second = default(), default()
    assert len(draws) == 1 and first.digests() == second.digests() == built_in(0, 100, 30).digests()
    assert second.synthetic and second.source == first.source == digits.source(0)
    monkeypatch.setattr(digits, "HAND", digits.Hand(jitter=HAND.jitter + 1))
    default()
    assert len(draws) == 2


@pytest.mark.parametrize("count", [-1, 0, FEWEST - 1, MOST + 1])
def test_a_count_that_cannot_be_is_refused(count: int) -> None:
    """Too few for a test set and more than an IDX file may hold are refused by number."""
    with pytest.raises(BadInput, match=f"count = {count:,}, expected"):
        shares(count)
    assert shares(7000) == (6000, 1000) and shares(70_000) == (60_000, 10_000)


def test_a_folder_of_digits_is_known_as_synthetic(tmp_path: Path) -> None:
    """What was written is read back, and still says that code drew it; without the marker it is as any other."""
    data = built_in(2, 60, 10)
    make_empty(tmp_path / "a" / "b")
    write_folder(tmp_path / "a" / "b", data)
    back = load_folder(tmp_path / "a" / "b")
    assert back.digests() == data.digests() and back.synthetic and back.name == data.name
    assert "seed 2" in (tmp_path / "a" / "b" / MARKER).read_text()
    (tmp_path / "a" / "b" / MARKER).unlink()
    assert not load_folder(tmp_path / "a" / "b").synthetic


def test_a_folder_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    """Files are never written over: a folder that holds any, and a file in its place, are refused."""
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(BadInput, match="holds mine, expected a new or empty folder"):
        make_empty(tmp_path)
    with pytest.raises(BadInput, match="expected a new or empty folder"):
        make_empty(tmp_path / "mine")
    with pytest.raises(BadInput, match="cannot be written"):
        write_folder(tmp_path / "absent", built_in(0, 60, 10))
    assert (tmp_path / "mine").read_text() == "keep"
