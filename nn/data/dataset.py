"""A data set of labeled pictures, and its split into what is learnt from, validated on and tested on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.dataset_info import DIGITS, MNIST, Kind, by_labels, described, oriented
from nnlaw.nn.data.idx import read_idx
from nnlaw.nn.data.layout import Files, find_files
from nnlaw.spec.violation import BadInput

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Dataset:
    """Pictures (N, H, W) of bytes and labels (N,), for training and for the test; `synthetic` if code drew them.

    `source` says where they come from: a folder, or the code and its seed.
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    classes: tuple[str, ...] = DIGITS
    synthetic: bool = False
    source: str = ""

    @property
    def n_classes(self) -> int:
        """C."""
        return len(self.classes)

    def digests(self) -> dict[str, str]:
        """SHA-256 of the bytes of each array."""
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return {name: hashlib.sha256(getattr(self, name).tobytes()).hexdigest() for name in names}


def load_folder(path: Path) -> Dataset:
    """The data set in a folder of four IDX files, gzipped or not, checked through and through.

    Raises BadInput that names the file and what was found in it.
    """
    files = find_files(path)
    kind = kind_of(files)
    train_images, train_labels, test_images, test_labels = files.paths
    return assembled(path, kind, _pair(train_images, train_labels, kind), _pair(test_images, test_labels, kind))


def kind_of(files: Files) -> Kind:
    """What the files hold, by their names, their first labels and a description beside them. Raises BadInput."""
    kind = files.kind
    if kind is MNIST:
        kind = by_labels(read_idx(files.paths[1], dims=1), read_idx(files.paths[3], dims=1))
    return described(files.folder, kind)


def assembled(path: Path, kind: Kind, train: tuple[Bytes, Bytes], test: tuple[Bytes, Bytes]) -> Dataset:
    """The data set of two checked pairs of images and labels. Raises BadInput where the pairs do not match."""
    (train_images, train_labels), (test_images, test_labels) = train, test
    if test_images.shape[1:] != train_images.shape[1:]:
        raise BadInput(
            f"{path}: test images are {_size(test_images)} pixels, expected {_size(train_images)} as in training"
        )
    return Dataset(
        kind.name,
        oriented(train_images, kind),
        train_labels,
        oriented(test_images, kind),
        test_labels,
        kind.classes,
        kind.synthetic,
        str(path),
    )


def _pair(image_file: Path, label_file: Path, kind: Kind) -> tuple[Bytes, Bytes]:
    images, labels = read_idx(image_file, dims=3), read_idx(label_file, dims=1)
    return images, class_indices(images, labels, (str(image_file), label_file.name), str(label_file), kind)


def class_indices(images: Bytes, labels: NDArray[Any], names: tuple[str, str], label_name: str, kind: Kind) -> Bytes:
    """The labels counted from 0. Raises BadInput where they are not as many as the images, or of no class."""
    if len(images) != len(labels):
        raise BadInput(
            f"{names[0]}: {len(images):,} images, but {names[1]} has {len(labels):,} labels, expected as many"
        )
    first, last = kind.first_label, kind.first_label + len(kind.classes) - 1
    wrong = np.flatnonzero((labels < first) | (labels > last))
    if len(wrong):
        raise BadInput(f"{label_name}: label {wrong[0]} is {labels[wrong[0]]}, expected {first} to {last}")
    indices: Bytes = (labels - labels.dtype.type(first)).astype(np.uint8)
    return indices


def _size(images: Bytes) -> str:
    return "×".join(map(str, images.shape[1:]))


@dataclass(frozen=True)
class Split:
    """Inputs (N, D) float32, standardized with one mean and one deviation of the training split; labels (N,) int64."""

    images: Dataset
    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_val: NDArray[Any]
    y_val: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    mean: float
    deviation: float
    train_rows: NDArray[Any]
    val_rows: NDArray[Any]


def split(data: Dataset, validation: int, rng: np.random.Generator) -> Split:
    """Hold `validation` random training images out, and standardize all by the mean and deviation of the rest.

        x = (pixels − mean) / deviation,   (N, H, W) uint8 -> (N, H·W) float32

    Mean and deviation are float64, exact from the counts of the 256 shades. Rows keep their order.
    Raises BadInput where `validation` is negative, nothing is left to train on, or all pixels are equal.
    """
    count = len(data.train_images)
    if validation < 0:
        raise BadInput(f"validation = {validation:,}, expected 0 or more training images to hold out")
    if validation >= count:
        raise BadInput(
            f"validation = {validation:,} of {count:,} training images leaves nothing to train on, expected fewer"
        )
    order = rng.permutation(count)
    val_rows, train_rows = np.sort(order[:validation]), np.sort(order[validation:])
    kept = data.train_images if not validation else data.train_images[train_rows]
    values, pixels = np.arange(256.0), _shades(kept)
    mean = float(values @ pixels / pixels.sum())
    deviation = float(np.sqrt((values - mean) ** 2 @ pixels / pixels.sum()))
    if deviation == 0:
        raise BadInput(f"{data.name}: all training pixels are {mean:g}, expected more than one shade")

    def standardized(images: Bytes) -> NDArray[Any]:
        x = images.reshape(len(images), prod(images.shape[1:])).astype(np.float32)
        x -= np.float32(mean)
        x /= np.float32(deviation)
        return x

    labels = data.train_labels.astype(np.int64)
    return Split(
        data,
        standardized(kept),
        labels[train_rows],
        standardized(data.train_images[val_rows]),
        labels[val_rows],
        standardized(data.test_images),
        data.test_labels.astype(np.int64),
        mean,
        deviation,
        train_rows,
        val_rows,
    )


def _shades(images: Bytes) -> NDArray[np.int64]:
    """How many pixels have each shade, (256,); in parts, since bincount widens its input to eight bytes a pixel."""
    total = np.zeros(256, np.int64)
    for start in range(0, len(images), 4096):
        total += np.bincount(images[start : start + 4096].reshape(-1), minlength=256)
    return total
