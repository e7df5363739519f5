"""nn/data/class_folders.py: a folder of images per class."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnlaw.nn.data.load import dataset_name, load

Refusal = Callable[[Callable[[], object]], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight images of each of the classes 2 and 10, whose shade is that of the class."""
    for name in ("2", "10"):
        (tmp_path / "letters" / name).mkdir(parents=True)
        for i in range(8):
            array = np.full((5, 4), 10 * int(name) + i, np.uint8)
            Image.fromarray(array).save(tmp_path / "letters" / name / f"{i}.png")
    return tmp_path / "letters"


def test_one_image_in_seven_is_held_out(folder: Path) -> None:
    """The classes are the names of the folders, in the order of their numbers."""
    data = load(folder)
    assert data.name == dataset_name(folder) == "letters" and data.classes == ("2", "10")
    assert data.train_images.shape == (14, 5, 4) and len(data.test_images) == 2 and data.notes
    assert ((data.train_images[:, 0, 0] >= 100) == data.train_labels).all()


def test_with_a_test_folder(folder: Path) -> None:
    """The parts are those of train and test."""
    parent = folder.parent / "both"
    (parent / "test" / "10").mkdir(parents=True)
    folder.rename(parent / "train")
    Image.fromarray(np.full((5, 4), 3, np.uint8)).save(parent / "test" / "10" / "a.png")
    data = load(parent)
    assert len(data.train_images) == 16 and data.test_labels.tolist() == [1] and not data.notes


def test_what_can_not_be_read(folder: Path, refusal: Refusal) -> None:
    """Another size, a damaged image, and an image that is too large."""
    extra = folder / "2" / "z.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(extra)
    assert "4×4 pixels, expected 4×5" in refusal(lambda: load(folder))
    extra.write_bytes(b"no image")
    assert "cannot be read" in refusal(lambda: load(folder))
    Image.fromarray(np.zeros((1, 300), np.uint8)).save(extra)
    assert "at most 256" in refusal(lambda: load(folder))
