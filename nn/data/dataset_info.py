"""What a data set is beyond its bytes: its name, its classes, how its labels count and how its pictures lie.

A data set is known by, in this order:

    dataset.toml      beside its files: name, classes, first_label, transposed; `nn fetch` writes one, so may anyone
    SYNTHETIC.txt     digits that code drew
    its file names    EMNIST, whose six splits bear theirs: emnist-letters-train-images-idx3-ubyte
    its first labels  Fashion-MNIST, which has the file names of MNIST

Sources: Y. LeCun, C. Cortes, C. Burges, the MNIST database; H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747
(Fashion-MNIST); T. Clanuwat and others, arXiv:1812.01718 (Kuzushiji-MNIST); G. Cohen and others, arXiv:1702.05373
(EMNIST, with its mapping of labels to characters).
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlaw.spec.violation import BadInput

DIGITS = tuple("0123456789")
SYNTHETIC = "built-in synthetic digits"
DESCRIPTION = "dataset.toml"
MAX_LENGTH = 40  # characters of a name
MOST = 256  # classes that a label of one byte can tell apart, and kilobytes of a description


@dataclass(frozen=True)
class Kind:
    """A data set's name and its classes; the label of class i is first_label + i; EMNIST's pictures lie transposed."""

    name: str
    classes: tuple[str, ...] = DIGITS
    first_label: int = 0
    transposed: bool = False
    synthetic: bool = False


def _emnist(split: str, classes: tuple[str, ...], first_label: int = 0) -> Kind:
    return Kind(f"EMNIST {split}", classes, first_label, transposed=True)


MNIST = Kind("MNIST")
DRAWN = Kind(SYNTHETIC, synthetic=True)
FASHION = Kind(
    "Fashion-MNIST",
    (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
KUZUSHIJI = Kind("Kuzushiji-MNIST", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"))
CAPITALS = tuple(ascii_uppercase)
MERGED = (*DIGITS, *CAPITALS, *"abdefghnqrt")  # the other small letters count as their capitals
EMNIST = {
    "balanced": _emnist("balanced", MERGED),
    "byclass": _emnist("byclass", (*DIGITS, *CAPITALS, *ascii_lowercase)),
    "bymerge": _emnist("bymerge", MERGED),
    "digits": _emnist("digits", DIGITS),
    "letters": _emnist("letters", CAPITALS, first_label=1),  # capitals and small letters as one
    "mnist": _emnist("mnist", DIGITS),
}
FASHION_STARTS = ((9, 0, 0, 3, 0, 2, 7, 2, 5, 5), (9, 2, 1, 1, 6, 1, 4, 6, 5, 7))  # of training and test labels


def by_labels(train: NDArray[Any], test: NDArray[Any]) -> Kind:
    """Fashion-MNIST where both parts begin as it does, which others do once in 10²⁰; else MNIST."""
    starts = tuple(tuple(labels[:10].tolist()) for labels in (train, test))
    return FASHION if starts == FASHION_STARTS else MNIST


def described(folder: Path, kind: Kind) -> Kind:
    """The kind, as far as a description in the folder does not say otherwise. Raises BadInput for what can't be."""
    path = folder / DESCRIPTION
    if not os.path.lexists(path):
        return kind
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise BadInput(f"{path}: not a file, expected a description in TOML")
        with path.open("rb") as file:
            table = tomllib.loads(file.read(MOST * 1024).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise error if isinstance(error, BadInput) else BadInput(f"{path}: {error}, expected TOML") from error
    unknown = set(table) - {"name", "classes", "first_label", "transposed"}
    if unknown:
        raise BadInput(f"{path}: unknown key {min(unknown)!r}, expected name, classes, first_label or transposed")
    return _checked(path, replace(kind, **table))


def _checked(path: Path, kind: Kind) -> Kind:
    names = kind.classes if isinstance(kind.classes, list | tuple) else [None]
    for name in (kind.name, *names):
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_LENGTH:
            shown = str(name)[:MAX_LENGTH]
            raise BadInput(f"{path}: {shown!r} for a name, expected text of 1 to {MAX_LENGTH} characters")
    if type(kind.first_label) is not int or type(kind.transposed) is not bool:
        raise BadInput(f"{path}: first_label or transposed is neither, expected a number, and true or false")
    if len(set(names)) < len(names) or not (len(names) >= 2 and 0 <= kind.first_label <= MOST - len(names)):
        raise BadInput(
            f"{path}: {len(names)} classes from label {kind.first_label} on, expected at least 2, no two of one name, "
            f"and labels from 0 to {MOST - 1}"
        )
    return replace(kind, classes=tuple(names))


def oriented(images: NDArray[np.uint8], kind: Kind) -> NDArray[np.uint8]:
    """The pictures upright: rows and columns exchanged where they lie transposed."""
    return np.ascontiguousarray(images.transpose(0, 2, 1)) if kind.transposed else images
