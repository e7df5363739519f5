"""nn/data/csv_images.py: images in CSV files, one per row."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run
from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.load import load

Refusal = Callable[[Callable[[], object]], str]
IMAGES = np.random.default_rng(0).integers(0, 250, (21, 4, 4), np.uint8)
LABELS = np.arange(21) % 10
HEADER = "label," + ",".join(f"pixel{i}" for i in range(16))


def rows(labels: bool = True, header: bool = True, last: bool = False) -> str:
    """The CSV text of the images; `last` puts the labels at the end."""
    head = ",".join(sorted(HEADER.split(","), key=lambda name: (name == "label") if last else 0))
    lines = [head if labels else HEADER.removeprefix("label,")] if header else []
    for image, label in zip(IMAGES.reshape(21, -1), LABELS, strict=True):
        values = [label, *image] if labels else [*image]
        lines.append(",".join(map(str, [*image, label] if last else values)))
    return "\n".join(lines) + "\n"


def pixels(data: Dataset) -> set[bytes]:
    """The images of both parts."""
    return {image.tobytes() for image in (*data.train_images, *data.test_images)}


@pytest.mark.parametrize("text", [rows(), rows(header=False), rows(last=True), "\ufeff" + rows()])
def test_with_and_without_a_header(tmp_path: Path, text: str) -> None:
    """One row in seven is the test set, and every image keeps its label."""
    (tmp_path / "train.csv").write_text(text, encoding="utf-8")
    data = load(tmp_path / "train.csv")
    assert data.train_images.shape == (18, 4, 4) and len(data.test_labels) == 3 and "3 of the rows" in data.notes[0]
    assert pixels(data) == {image.tobytes() for image in IMAGES}
    for image, label in zip(data.train_images, data.train_labels, strict=True):
        assert LABELS[(image == IMAGES).all(axis=(1, 2))] == label


def test_a_folder_with_a_test_file(tmp_path: Path) -> None:
    """It is the test set if it has labels; Kaggle's has no labels."""
    (tmp_path / "mnist_train.csv").write_text(rows(header=False))
    (tmp_path / "mnist_test.csv").write_text(rows(header=False))
    assert len(load(tmp_path).test_images) == 21 and not load(tmp_path).notes
    (tmp_path / "mnist_test.csv").write_text(rows(labels=False))
    assert len(load(tmp_path).test_images) == 3 and "mnist_test.csv has no labels" in load(tmp_path).notes[0]


def test_a_zip(tmp_path: Path) -> None:
    """A zip with both files."""
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as file:
        file.writestr("data/train.csv", rows())
        file.writestr("data/test.csv", rows())
    assert len(load(tmp_path / "archive.zip").train_images) == len(load(tmp_path / "archive.zip").test_images) == 21


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("5,nan,3,4,5\n", "'nan' in the first row"),
        (HEADER + "\n", "no rows"),
        (rows() + "7" + ",seven" * 16, "expected whole numbers"),
        (rows() + "7" + ",256" * 16, "expected 0 to 255"),
        (rows() + "7" + ",25" * 15, "expected whole numbers"),
        ("label,a,b\n1,2,3\n", "3 columns"),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, refusal: Refusal, text: str, expected: str) -> None:
    """Each is refused in one sentence."""
    (tmp_path / "train.csv").write_text(text)
    assert expected in refusal(lambda: load(tmp_path / "train.csv"))


def test_a_damaged_zip_or_no_file(tmp_path: Path, refusal: Refusal) -> None:
    """Both are refused."""
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and the rest is missing")
    assert "expected a .zip" in refusal(lambda: load(tmp_path / "a.zip"))
    assert "no such file" in refusal(lambda: load(tmp_path / "b.csv"))


def test_images_that_are_dark_on_light_are_inverted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training prints that."""
    images = np.full((21, 4, 4), 255, np.uint8)
    images[:, 1:3, 1:3] = IMAGES[:, 1:3, 1:3] // 2
    np.savez(tmp_path / "scans.npz", x_train=images, y_train=LABELS, x_test=images, y_test=LABELS)
    data = load(tmp_path / "scans.npz")
    assert (data.train_images == 255 - images).all() and "dark on light" in data.notes[0]
    assert run(["train", str(tmp_path / "scans.npz"), "--epochs", "1", "--run", str(tmp_path / "run")]) == 0
    assert "dark on light" in capsys.readouterr().out


def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path: Path, refusal: Refusal) -> None:
    """It is not read."""
    (tmp_path / "mnist.pkl.gz").write_bytes(b"anything")
    assert "np.savez('mnist.npz'" in refusal(lambda: load(tmp_path / "mnist.pkl.gz"))
