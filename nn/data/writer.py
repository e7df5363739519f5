"""Write synthetic digits into a folder: the four IDX files of MNIST, and SYNTHETIC.txt, which marks them."""

from __future__ import annotations

from pathlib import Path

from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.layout import FILES, SYNTHETIC_MARKER
from nnlaw.spec.violation import BadInput


def create_empty_folder(path: Path) -> None:
    """Create a folder, or accept an existing empty one. Raises BadInput if it contains a file or is not a folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        first = next(path.iterdir(), None)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}, expected a new or empty folder") from error
    if first is not None:
        raise BadInput(f"{path}: contains {first.name}, expected a new or empty folder")


def write_folder(path: Path, data: Dataset) -> None:
    """Write a synthetic data set. Raises BadInput if a file cannot be written."""
    try:  # the marker first, so that an interrupted call leaves no unmarked digits
        replace_file(path / SYNTHETIC_MARKER, f"{data.name}, {data.source}\n".encode())
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}, expected a folder for files") from error
    arrays = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for (stem, dims), array in zip(FILES, arrays, strict=True):
        write_idx(path / f"{stem}-idx{dims}-ubyte", array)
