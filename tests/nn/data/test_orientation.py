"""Transposed digits are noticed and made upright; nothing else is taken for transposed."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run
from nnlaw.nn.data.load import load, load_folder
from nnlaw.nn.data.orientation import _built_in, looks_transposed, mean_images
from nnlaw.nn.data.synthetic.digits import generate_digits

DATA = generate_digits(3, 400, 70)
IMAGES, LABELS = DATA.train_images, DATA.train_labels
TRANSPOSED = np.ascontiguousarray(IMAGES.transpose(0, 2, 1))


def saved(folder: Path, images: np.ndarray) -> Path:
    """An .npz file with these images of the digits, for training and for testing."""
    np.savez(folder / "digits.npz", x_train=images, y_train=LABELS, x_test=images[:70], y_test=LABELS[:70])
    return folder / "digits.npz"


def test_transposed_digits_are_made_upright(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training prints that in one line, and the network learns upright digits."""
    data = load(saved(tmp_path, TRANSPOSED))
    assert (data.train_images == IMAGES).all() and (data.test_images == IMAGES[:70]).all()
    assert run(["train", str(tmp_path / "digits.npz"), "--epochs", "1", "--run", str(tmp_path / "run")]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "are transposed" in line)
    assert "write transposed = false in dataset.toml" in line


def test_transposed_digits_that_are_dark_on_light_are_noticed(tmp_path: Path) -> None:
    """Both are put right."""
    data = load(saved(tmp_path, 255 - TRANSPOSED))
    assert (data.train_images == IMAGES).all() and len(data.notes) == 2


def test_the_description_decides(tmp_path: Path) -> None:
    """With transposed = false the images stay as they are; with transposed = true nothing is printed about it."""
    (tmp_path / "dataset.toml").write_text("transposed = false\n")
    assert (load(saved(tmp_path, TRANSPOSED)).train_images == TRANSPOSED).all()
    (tmp_path / "dataset.toml").write_text("transposed = true\n")
    assert (load(saved(tmp_path, TRANSPOSED)).train_images == IMAGES).all() and not load(tmp_path / "digits.npz").notes


@pytest.mark.parametrize("count", [2, 10, 19, 20, 40, 400])
def test_upright_digits_are_not_taken_for_transposed(count: int) -> None:
    """Also not a few of them, mirrored or rotated ones, or those of one class only."""
    for k in range(4):
        for images in (np.rot90(IMAGES, k, (1, 2)), IMAGES[..., ::-1] if k == 0 else IMAGES):
            assert not looks_transposed(images[:count], LABELS[:count])
    one = LABELS == 7
    assert not looks_transposed(IMAGES[one][:count], LABELS[one][:count])


@pytest.mark.parametrize("count", [1, 20, 400])
def test_images_that_are_no_digits_are_not_taken_for_transposed(count: int) -> None:
    """Random images, one shade, digits with random labels, images that are not square or tiny."""
    rng = np.random.default_rng(5)
    for images in (
        rng.integers(0, 256, (count, 28, 28)).astype(np.uint8),
        np.zeros((count, 28, 28), np.uint8),
        TRANSPOSED[rng.permutation(400)[:count]],
        TRANSPOSED[:count, :20],
        TRANSPOSED[:count, ::4, ::4],
    ):
        assert not looks_transposed(images, LABELS[:count])


def test_the_stored_means_are_those_of_the_built_in_digits() -> None:
    """They are the rounded mean images of the digits of seed 0."""
    digits = generate_digits(0, 2000, 70)
    means = mean_images(digits.train_images, digits.train_labels, np.arange(10))
    assert (np.rint(means) == _built_in()).all()


@pytest.mark.slow
@pytest.mark.no_cover
def test_the_real_mnist_is_upright(mnist: Path) -> None:
    """It is not taken for transposed, but it is once it is transposed, also from 200 images on."""
    data = load_folder(mnist)
    assert not data.notes
    for count in (200, 60_000):
        images, labels = data.train_images[-count:], data.train_labels[-count:]
        assert not looks_transposed(images, labels) and looks_transposed(images.transpose(0, 2, 1), labels)
