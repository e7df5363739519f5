"""Images in CSV files, one per row, as Kaggle's train.csv and the usual mnist_train.csv: a label, then the pixels.

    train, test, notes = read_csv(Path("kaggle/"))          also a .csv file, or a .zip with .csv files

A header is optional; in one, the label may be in any column. The test part is the file of the same name with
`test` in place of `train`; without one, or if it has no labels, a seventh of the rows is held out.
"""

from __future__ import annotations

import io
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isqrt
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.dataset import Bytes, hold_out
from nnlaw.nn.data.idx import MAX_BYTES
from nnlaw.spec.violation import BadInput

TRAIN = re.compile(r"(?i)(?:.*[^a-z])?train(?:[^a-z].*)?\.csv")
MAX_HEADER = 2**17  # characters of the first line
LABEL = "label"
Part = tuple[Bytes, NDArray[np.int64]]


def is_csv(path: Path) -> bool:
    """Whether a path is a .csv file, a .zip file, or a folder with a CSV file of training images."""
    return path.suffix.lower() in (".csv", ".zip") or (os.path.isdir(path) and bool(_training_names(_names(path))))


def read_csv(path: Path) -> tuple[Part, Part, tuple[str, ...]]:
    """Images (N, H, W) and labels (N,) for training and for testing, and remarks. Raises BadInput."""
    names = _names(path)
    found = _training_names(names) or (names if len(names) == 1 else [])
    if len(found) != 1:
        raise BadInput(f"{path}: {len(found)} CSV files of training images, expected a single file such as train.csv")
    train = _read(path, found[0])
    assert train is not None
    other = re.sub("(?i)train", "test", found[0])
    test = _read(path, other, needs_labels=False) if other != found[0] and other in names else None
    if test is not None:
        return train, test, ()
    reason = f"{Path(other).name} has no labels" if other in names and other != found[0] else "there is no test file"
    train, test = hold_out(*train, str(path))
    return train, test, (f"{reason}: {len(test[0]):,} of the rows of {Path(found[0]).name} are the test set",)


def _names(path: Path) -> list[str]:
    """The CSV files in a folder or a zip; those beside a CSV file. Raises BadInput."""
    if path.suffix.lower() != ".zip":
        folder = path if os.path.isdir(path) else path.parent
        if not os.path.isdir(path) and not os.path.isfile(path):  # reading from a pipe would block
            found = "not a file" if os.path.exists(path) else "no such file"
            raise BadInput(f"{path}: {found}, expected a CSV file with a label and the pixels in each row")
        try:
            names = sorted(each.name for each in folder.iterdir() if each.suffix.lower() == ".csv" and each.is_file())
        except OSError as error:
            raise BadInput(f"{folder}: {error.strerror}, expected a folder with CSV files") from error
        own = re.sub("(?i)train", "test", path.name)
        return names if path.is_dir() else [name for name in names if name in (path.name, own)]
    with _zip(path) as file:
        return [name for name in file.namelist() if name.lower().endswith(".csv")]


def _training_names(names: list[str]) -> list[str]:
    return [name for name in names if TRAIN.fullmatch(Path(name).name)]


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        if not path.is_file():
            raise BadInput(f"{path}: no such file, expected a .zip with CSV files")
        with zipfile.ZipFile(path) as file:
            yield file
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadInput(f"{path}: cannot be read: {error}, expected a .zip with CSV files") from error


def _read(path: Path, name: str, *, needs_labels: bool = True) -> Part | None:
    """The images and labels of one file; None if it has no labels, and they are not needed."""
    if path.suffix.lower() == ".zip":
        with _zip(path) as file:
            if file.getinfo(name).file_size > 4 * MAX_BYTES:  # a row has up to four characters per pixel
                raise BadInput(f"{path}: {name} is too large, expected at most {4 * MAX_BYTES:,} bytes")
            return _parse(lambda: file.open(name), f"{path}: {name}", needs_labels)
    place = path / name if path.is_dir() else path.with_name(name)
    if place.stat().st_size > 4 * MAX_BYTES:
        raise BadInput(f"{place} is too large, expected at most {4 * MAX_BYTES:,} bytes")
    return _parse(lambda: place.open("rb"), str(place), needs_labels)


def _parse(start: Callable[[], IO[bytes]], label: str, needs_labels: bool) -> Part | None:
    with start() as raw:
        first = io.TextIOWrapper(raw, "utf-8-sig", errors="replace").readline(MAX_HEADER).strip()
    fields = [field.strip().strip('"').lower() for field in first.split(",")]
    has_header = not all(field.lstrip("-").isdigit() for field in fields)
    at = fields.index(LABEL) if LABEL in fields else 0
    has_labels = LABEL in fields or (not has_header and isqrt(len(fields) - 1) ** 2 == len(fields) - 1)
    if not has_labels and not needs_labels:
        return None
    side = isqrt(max(len(fields) - 1, 0))
    if not first:
        raise BadInput(f"{label}: empty, expected at least one image")
    if not has_labels and side > 1 and side**2 == len(fields) - 1:
        odd = next(field for field in fields if not field.lstrip("-").isdigit())
        raise BadInput(f"{label}: {odd[:40]!r} in the first row, expected whole numbers, or a header with {LABEL!r}")
    if not has_labels or side < 2 or side**2 != len(fields) - 1:
        raise BadInput(f"{label}: {len(fields)} columns, expected a label and the pixels of a square, such as 1 + 784")
    try:
        with start() as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace") as text, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a file without rows is refused below
            rows = np.loadtxt(text, np.int16, delimiter=",", skiprows=int(has_header), ndmin=2)
    except (ValueError, OverflowError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise BadInput(f"{label}: {error}; expected whole numbers, a label and the pixels of an image") from None
    if not len(rows):
        raise BadInput(f"{label}: no rows, expected at least one image")
    pixels = np.delete(rows, at, axis=1)
    if pixels.min() < 0 or pixels.max() > 255:
        raise BadInput(f"{label}: pixels from {pixels.min()} to {pixels.max()}, expected 0 to 255")
    return pixels.astype(np.uint8).reshape(-1, side, side), rows[:, at].astype(np.int64)
