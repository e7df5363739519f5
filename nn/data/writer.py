"""A folder for synthetic digits: the four IDX files of MNIST, and a marker by which they are known as synthetic."""

from __future__ import annotations

from pathlib import Path

from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.layout import MARKER, PARTS
from nnlaw.spec.violation import BadInput


def make_empty(path: Path) -> None:
    """Make a folder, unless there is an empty one. Raises BadInput where anything is in it or in its place."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = next(path.iterdir(), None)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}, expected a new or empty folder") from error
    if taken is not None:
        raise BadInput(f"{path}: holds {taken.name}, expected a new or empty folder")


def write_folder(path: Path, data: Dataset) -> None:
    """Write a synthetic data set, the marker first, so that there are never digits without it. Raises BadInput."""
    try:
        (path / MARKER).write_text(f"{data.name}, {data.source}\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a folder for files") from error
    arrays = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for (stem, dims), array in zip(PARTS, arrays, strict=True):
        write_idx(path / f"{stem}-idx{dims}-ubyte", array)
