"""Load a data set: a folder of IDX files, one file of an EMNIST split, an .npz file, CSV files, folders of images.

    data = load(Path("mnist/"))          load(Path("mnist.npz"))          load(Path("train.csv"))
    dataset_name(Path("mnist/"))         its name, without reading its images

Images that are dark on light are inverted, and digits that are transposed are made upright, so that all networks learn,
and predict, upright light digits on dark.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.class_folders import has_class_folders, read_class_folders
from nnlaw.nn.data.csv_images import is_csv, read_csv
from nnlaw.nn.data.dataset import Bytes, Dataset
from nnlaw.nn.data.dataset_info import (
    DESCRIPTION_FILE,
    DIGITS,
    MAX_NAME,
    MNIST,
    DatasetInfo,
    info_from_labels,
    make_upright,
    read_description,
)
from nnlaw.nn.data.idx import read_idx
from nnlaw.nn.data.layout import DatasetFiles, find_files
from nnlaw.nn.data.npz import SUFFIX, NpzFile
from nnlaw.nn.data.orientation import looks_transposed
from nnlaw.spec.violation import BadInput

LIGHT, MOST = 200, 0.9  # a shade, and a share of the border
CONVERT = (
    "(x, y), _, (t, u) = pickle.load(gzip.open('mnist.pkl.gz'), encoding='latin1'); "
    "np.savez('mnist.npz', y_train=y, y_test=u, "
    "x_train=np.uint8(256 * x.reshape(-1, 28, 28)), x_test=np.uint8(256 * t.reshape(-1, 28, 28)))"
)  # of deeplearning.net's mnist.pkl.gz, whose pixels are k / 256


def load(path: Path) -> Dataset:
    """Load and check the data set at a path. Raises BadInput with what was found and what was expected."""
    _refuse_pickles(path)
    if path.suffix == SUFFIX:
        return load_npz(path)
    if is_csv(path):
        return _load_csv(path)
    return _load_class_folders(path) if _is_class_folders(path) else load_folder(path)


def dataset_name(path: Path) -> str:
    """Name of the data set at a path, without reading its images. Raises BadInput as `load` does."""
    _refuse_pickles(path)
    if is_csv(path) or _is_class_folders(path):
        folder = path if os.path.isdir(path) else path.parent
        return read_description(folder, MNIST if is_csv(path) else replace(MNIST, name=path.resolve().name)).name
    if path.suffix != SUFFIX:
        return _folder_info(find_files(path)).name
    with NpzFile(path) as file:
        return _npz_info(file).name


def load_folder(path: Path) -> Dataset:
    """Load a folder of four IDX files, gzipped or not. Raises BadInput that names the wrong file."""
    files = find_files(path)
    info = _folder_info(files)
    train_images, train_labels, test_images, test_labels = files.paths
    return _dataset(path, info, _idx_pair(train_images, train_labels, info), _idx_pair(test_images, test_labels, info))


def load_npz(path: Path) -> Dataset:
    """Load an .npz file with the arrays of Keras' mnist.npz:

        x_train, x_test  (N, H, W) uint8 images        y_train, y_test  (N,) integer labels

    Raises BadInput that names the wrong array.
    """
    with NpzFile(path) as file:
        info = _npz_info(file)
        return _dataset(path, info, _npz_pair(file, "train", info), _npz_pair(file, "test", info))


def _load_csv(path: Path) -> Dataset:
    """Load CSV files, whose labels are those of the digits unless a dataset.toml has others."""
    (images, labels), (test_images, test_labels), notes = read_csv(path)
    info = read_description(path if os.path.isdir(path) else path.parent, info_from_labels(labels, test_labels))
    train = images, _class_indices(images, labels, str(path), "it", str(path), info)
    test = test_images, _class_indices(test_images, test_labels, str(path), "it", str(path), info)
    return _dataset(path, info, train, test, notes)


def _is_class_folders(path: Path) -> bool:
    return has_class_folders(path) and not any(path.glob("*ubyte*"))


def _load_class_folders(path: Path) -> Dataset:
    (images, labels), (test_images, test_labels), classes, notes = read_class_folders(path)
    info = DatasetInfo(path.resolve().name[:MAX_NAME], tuple(name[:MAX_NAME] for name in classes))
    train, test = (images, labels.astype(np.uint8)), (test_images, test_labels.astype(np.uint8))
    return _dataset(path, read_description(path, info), train, test, notes)


def _refuse_pickles(path: Path) -> None:
    """Raise BadInput for a pickle, which runs code when it is read."""
    if {".pkl", ".pickle"} & {suffix.lower() for suffix in path.suffixes[-2:]}:
        raise BadInput(f"{path}: a pickle can run code, expected an .npz file; to convert it: {CONVERT}")


def _folder_info(files: DatasetFiles) -> DatasetInfo:
    """The data set's description, from its file names, its first labels and its dataset.toml."""
    info = files.info
    if info is MNIST:
        info = info_from_labels(read_idx(files.paths[1], dims=1), read_idx(files.paths[3], dims=1))
    return read_description(files.folder, info)


def _npz_info(file: NpzFile) -> DatasetInfo:
    """The same for an .npz file, whose description is beside it."""
    info = info_from_labels(_npz_labels(file, "y_train"), _npz_labels(file, "y_test"))
    return read_description(file.path.parent, info)


def _idx_pair(image_file: Path, label_file: Path, info: DatasetInfo) -> tuple[Bytes, Bytes]:
    """Images and class indices of one part."""
    images, labels = read_idx(image_file, dims=3), read_idx(label_file, dims=1)
    return images, _class_indices(images, labels, str(image_file), label_file.name, str(label_file), info)


def _npz_pair(file: NpzFile, part: str, info: DatasetInfo) -> tuple[Bytes, Bytes]:
    """Images and class indices of one part."""
    x, y = f"x_{part}", f"y_{part}"
    images, labels = file.array(x), _npz_labels(file, y)
    if images.dtype != np.uint8 or images.ndim != 3:
        found = f"{images.dtype} of shape {images.shape}"
        raise BadInput(f"{file.label(x)} is {found}, expected uint8 of shape (N, H, W)")
    return images, _class_indices(images, labels, file.label(x), y, file.label(y), info)


def _npz_labels(file: NpzFile, name: str) -> NDArray[Any]:
    labels = file.array(name)
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise BadInput(f"{file.label(name)} is {labels.dtype} of shape {labels.shape}, expected integers of shape (N,)")
    return labels


def _class_indices(
    images: Bytes, labels: NDArray[Any], image_name: str, short_name: str, label_name: str, info: DatasetInfo
) -> Bytes:
    """The labels counted from 0. Raises BadInput if their number is wrong, or a label is outside the classes."""
    if len(images) != len(labels):
        raise BadInput(f"{image_name}: {len(images):,} images, but {short_name} has {len(labels):,} labels, expected "
                       "the same number")
    first, last = info.first_label, info.first_label + len(info.classes) - 1
    wrong = np.flatnonzero((labels < first) | (labels > last))
    if len(wrong):
        raise BadInput(f"{label_name}: label {wrong[0]} is {labels[wrong[0]]}, expected {first} to {last}")
    indices: Bytes = (labels - labels.dtype.type(first)).astype(np.uint8)
    return indices


def _dataset(
    path: Path,
    info: DatasetInfo,
    train: tuple[Bytes, Bytes],
    test: tuple[Bytes, Bytes],
    notes: tuple[str, ...] = (),
) -> Dataset:
    """The data set of two pairs of images and labels. Raises BadInput if the image sizes differ."""
    (train_images, train_labels), (test_images, test_labels) = train, test
    if test_images.shape[1:] != train_images.shape[1:]:
        raise BadInput(
            f"{path}: test images are {_size(test_images)} pixels, expected {_size(train_images)} as in training"
        )
    if is_dark_on_light(train_images):
        train_images, test_images = 255 - train_images, 255 - test_images
        notes += ("the images are dark on light: they are inverted, as nn predict does",)
    digits = info.transposed is None and info.classes[: len(DIGITS)] == DIGITS
    if digits and looks_transposed(train_images, train_labels):
        info = replace(info, transposed=True)
        keep = f"to keep them, write transposed = false in {DESCRIPTION_FILE}"
        notes += (f"the images are transposed: rows and columns are exchanged, as nn predict expects; {keep}",)
    return Dataset(
        info.name,
        make_upright(train_images, info),
        train_labels,
        make_upright(test_images, info),
        test_labels,
        info.classes,
        info.synthetic,
        str(path),
        notes,
    )


def is_dark_on_light(images: Bytes) -> bool:
    """Whether nearly all pixels at the borders of the images are light."""
    border = np.concatenate([images[:, [0, -1]].reshape(-1), images[:, :, [0, -1]].reshape(-1)])
    return bool(np.mean(border >= LIGHT) > MOST)


def _size(images: Bytes) -> str:
    return "×".join(map(str, images.shape[1:]))
