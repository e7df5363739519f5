"""Where the files of a data set lie: four IDX files in a folder, or one .npz file."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.data.dataset_info import DRAWN, EMNIST, MNIST, Kind
from nnlaw.spec.violation import BadInput

MARKER = "SYNTHETIC.txt"  # a folder with this file holds digits that code drew
PARTS = (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))
EMNIST_NAME = re.compile(rf"emnist-({'|'.join(EMNIST)})-(?:train|test)-(?:images|labels)[-.]idx[13]-ubyte(?:\.gz)?")


@dataclass(frozen=True)
class Files:
    """Training images and labels, test images and labels, and the kind that their names tell."""

    folder: Path
    paths: tuple[Path, ...]
    kind: Kind


def find_files(path: Path) -> Files:
    """The four IDX files of a folder; a file of an EMNIST split stands for the four of that split.

    Raises BadInput where a file is missing, or several data sets are there.
    """
    split = _split_of(path.name)
    if split and os.path.isfile(path):
        return _gathered(path.parent, split)
    if not os.path.isdir(path):  # unlike Path.is_dir, raises for no path, be it far too long or forbidden
        what, hint = "does not exist", f"; fetch them with: {command('fetch', path)}"
        if os.path.exists(path):
            what, hint = "is not a folder", ", or an .npz file"
        raise BadInput(f"{path}: {what}, expected a folder with the four MNIST files{hint}")
    names = sorted(name for name in _listed(path) if _split_of(name))
    splits = sorted({_split_of(name) for name in names})
    plain = ["MNIST's"] if any(_find(path, stem, dims) for stem, dims in PARTS) else []
    if len(plain + splits) > 1:
        found, example = ", ".join(plain + splits), path / names[0]
        raise BadInput(f"{path}: holds several data sets ({found}), expected one: name a file of it, as {example}")
    return _gathered(path, splits[0] if splits else "")


def command(verb: str, folder: Path) -> str:
    """The command line that does something with a folder: train, fetch."""
    return f"nn {verb} {shlex.quote(os.path.join(folder, ''))}"


def named(folder: Path, name: str) -> Path | None:
    """The file of a name such as train-labels-idx1-ubyte.gz in a folder, under any of its spellings."""
    stem, _, rest = name.rpartition("-idx")
    return _find(folder, stem, int(rest[0]))


def _gathered(folder: Path, split: str) -> Files:
    stems = [(f"emnist-{split}-{stem.replace('t10k', 'test')}" if split else stem, dims) for stem, dims in PARTS]
    files = [_find(folder, stem, dims) for stem, dims in stems]
    missing = [f"{stem}-idx{dims}-ubyte" for (stem, dims), file in zip(stems, files, strict=True) if file is None]
    if missing:
        be = "is" if len(missing) == 1 else "are"
        what = "EMNIST" if split else "MNIST"
        hint = "" if split else f"; fetch what is missing with: {command('fetch', folder)}"
        words = f"{', '.join(missing)} {be} missing, expected all four {what} files, gzipped or not{hint}"
        raise BadInput(f"{folder}: {words}")
    kind = EMNIST[split] if split else DRAWN if os.path.exists(folder / MARKER) else MNIST
    return Files(folder, tuple(file for file in files if file is not None), kind)


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}, expected a folder with the four MNIST files") from error


def _split_of(name: str) -> str:
    found = EMNIST_NAME.fullmatch(name)
    return found[1] if found else ""


def _find(folder: Path, stem: str, dims: int) -> Path | None:
    names = [f"{stem}{dot}idx{dims}-ubyte{end}" for dot in "-." for end in ("", ".gz")]
    return next((folder / name for name in names if os.path.exists(folder / name)), None)
