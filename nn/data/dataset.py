"""A data set of labeled images, and its split into training, validation and test parts.

    data = load(Path("mnist/"))                       nn/data/load.py
    parts = split(data, validation=5000, rng=rng)     parts.x_train, parts.y_train, ...
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.dataset_info import DIGITS
from nnlaw.spec.violation import BadInput

Bytes = NDArray[np.uint8]
TEST_FRACTION = 7  # one in so many images, where the data have no test part


@dataclass(frozen=True)
class Dataset:
    """Images (N, H, W) uint8 and class indices (N,) uint8, for training and for testing.

    `source` is a folder, a file, or the code and the seed that generated the images; these are `synthetic`. `notes` are
    remarks on how they were read.
    """

    name: str
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    classes: tuple[str, ...] = DIGITS
    synthetic: bool = False
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """C."""
        return len(self.classes)

    def digests(self) -> dict[str, str]:
        """SHA-256 of the bytes of each array."""
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return {name: hashlib.sha256(getattr(self, name).tobytes()).hexdigest() for name in names}


@dataclass(frozen=True)
class Split:
    """Inputs (N, D) float32, standardized by the mean and deviation of the training part; labels (N,) int64.

    `train_rows` and `val_rows` are the rows of `dataset.train_images` in each part.
    """

    dataset: Dataset
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


def hold_out(images: Bytes, labels: NDArray[np.int64], source: str) -> tuple[tuple[Bytes, Any], tuple[Bytes, Any]]:
    """Images and labels for training and for testing: one in seven at random, as in MNIST. Raises BadInput."""
    count = len(images) // TEST_FRACTION
    if not count:
        raise BadInput(f"{source}: {len(images)} images, expected {TEST_FRACTION} or more, one of them for testing")
    rows = np.random.default_rng(0).permutation(len(images))
    test, train = np.sort(rows[:count]), np.sort(rows[count:])
    return (images[train], labels[train]), (images[test], labels[test])


def split(data: Dataset, validation: int, rng: np.random.Generator) -> Split:
    """Hold out `validation` random training images; standardize all images by the mean and deviation of the rest.

        x = (pixels − mean) / deviation,   (N, H, W) uint8 -> (N, H·W) float32

    Mean and deviation are float64, exact from the counts of the 256 shades. Rows keep their order.
    Raises BadInput if `validation` is negative, nothing is left to train on, or all pixels are equal.
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
    train_images = data.train_images[train_rows] if validation else data.train_images
    shades, counts = np.arange(256.0), _shade_counts(train_images)
    mean = float(shades @ counts / counts.sum())
    deviation = float(np.sqrt((shades - mean) ** 2 @ counts / counts.sum()))
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
        standardized(train_images),
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


def _shade_counts(images: Bytes) -> NDArray[np.int64]:
    """Number of pixels of each shade, (256,)."""
    total = np.zeros(256, np.int64)
    for start in range(0, len(images), 4096):  # in parts, because bincount converts its input to 8 bytes per pixel
        total += np.bincount(images[start : start + 4096].reshape(-1), minlength=256)
    return total
