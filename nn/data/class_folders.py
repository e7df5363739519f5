"""Images in folders, one folder per class: digits/0/a.png, digits/1/b.png, ... or digits/train/0/, digits/test/0/.

    train, test, classes, notes = read_class_folders(Path("digits/"))

Without test/, a seventh of the images is held out.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnlaw.nn.data.dataset import Bytes, hold_out
from nnlaw.nn.data.dataset_info import MAX_CLASSES
from nnlaw.spec.violation import BadInput

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm"}
MAX_SIDE = 256  # pixels
MAX_IMAGES = 500_000
Part = tuple[Bytes, NDArray[np.int64]]


def has_class_folders(path: Path) -> bool:
    """Whether a folder contains at least two folders with images, directly or in its folder train."""
    return os.path.isdir(path) and len(_classes(_train_folder(path))) > 1


def read_class_folders(path: Path) -> tuple[Part, Part, tuple[str, ...], tuple[str, ...]]:
    """Images (N, H, W) and class indices (N,) of both parts, the names of the classes, and remarks. Raises BadInput."""
    folder = _train_folder(path)
    classes = _classes(folder)
    if len(classes) > MAX_CLASSES:
        raise BadInput(f"{folder}: {len(classes)} folders with images, expected at most {MAX_CLASSES} classes")
    names = tuple(sorted(classes, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name)))
    train = _read(folder, names)
    test_folder = next((path / name for name in ("test", "testing") if folder != path and (path / name).is_dir()), None)
    if test_folder is not None:
        return train, _read(test_folder, names, train[0].shape[1:]), names, ()
    train, test = hold_out(*train, str(path))
    return train, test, names, (f"there is no test folder: {len(test[0]):,} of the images are the test set",)


def _train_folder(path: Path) -> Path:
    return next((path / name for name in ("train", "training") if os.path.isdir(path / name)), path)


def _classes(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir() if each.is_dir() and _images(each, most=1)]
    except OSError:
        return []


def _images(folder: Path, most: int = MAX_IMAGES + 1) -> list[Path]:
    found: list[Path] = []
    for each in folder.iterdir():
        if each.suffix.lower() in SUFFIXES and each.is_file():
            found.append(each)
            if len(found) == most:
                break
    return sorted(found)


def _read(folder: Path, names: tuple[str, ...], size: tuple[int, ...] = ()) -> Part:
    from PIL import Image  # slow to import, and used for such folders only

    arrays, labels = [], []
    for label, name in enumerate(names):
        for file in _images(folder / name) if (folder / name).is_dir() else []:
            try:
                with Image.open(file) as image:
                    if max(image.size) > MAX_SIDE:
                        raise BadInput(f"{file}: {image.width}×{image.height} pixels, expected at most {MAX_SIDE}")
                    array = np.asarray(image.convert("L"))
            except BadInput:
                raise
            except Exception as error:  # Pillow raises almost any exception for a damaged file
                raise BadInput(f"{file}: cannot be read: {error or type(error).__name__}, expected an image") from None
            size = size or array.shape
            if array.shape != size:
                expected = f"{size[1]}×{size[0]} as the others"
                raise BadInput(f"{file}: {array.shape[1]}×{array.shape[0]} pixels, expected {expected}")
            arrays.append(array)
            labels.append(label)
            if len(arrays) > MAX_IMAGES:
                raise BadInput(f"{folder}: more than {MAX_IMAGES:,} images, expected fewer")
    if not arrays:
        raise BadInput(f"{folder}: no images of the classes {', '.join(names[:5])}")
    return np.stack(arrays), np.array(labels, np.int64)
