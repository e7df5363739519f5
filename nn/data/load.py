"""Data from anywhere: a folder of four IDX files, one file of an EMNIST split, or an .npz file."""

from __future__ import annotations

from pathlib import Path

from nnlaw.nn.data.dataset import Dataset, kind_of, load_folder
from nnlaw.nn.data.layout import find_files
from nnlaw.nn.data.npz import SUFFIX, Archive, read_npz


def load(path: Path) -> Dataset:
    """The data set at a path. Raises BadInput that says what was found there and what was expected."""
    return read_npz(path) if path.suffix == SUFFIX else load_folder(path)


def name_of(path: Path) -> str:
    """What the data set at a path is called, without reading its pictures. Raises BadInput like `load`."""
    if path.suffix != SUFFIX:
        return kind_of(find_files(path)).name
    with Archive(path) as archive:
        return archive.kind().name
