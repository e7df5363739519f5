"""Where the absolute imports of a file in a user's project lead.

    find_in_project(Path("src/bits/swish.py"), "bits.base", ["Piece"], [])    [src/bits, src/bits/base.py]

The folder above a file's topmost __init__.py comes first, then the folders above that up to the project's root, each
with its src/, then the file's own folder, then that around a folder of the imported name. So it does not matter whether
a project is run as a package or as scripts.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from nnlaw import _names

ROOT_MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg")


def find_in_project(path: Path, name: str, fromlist: Sequence[str], added: Sequence[Path]) -> list[Path] | None:
    """The files or folders that the parts of a dotted name mean in the project of `path`; None if not found.

    `added` are further folders to search. The standard library, and installed packages as far as a folder without
    __init__.py has their name, come before the project.
    """
    parts = name.split(".")
    if parts[0] in sys.stdlib_module_names:
        module = importlib.import_module(parts[0])
        if len(parts) > 1 and _is_module(name):
            return None
        if len(parts) == 1 and all(x == "*" or hasattr(module, x) or _is_module(f"{name}.{x}") for x in fromlist):
            return None
    bare: list[Path] | None = None
    around = [folder.parent for folder in path.parents if folder.name == parts[0]]  # if nothing marks the root
    for folder in [*search_folders(path), *around, *added]:
        if folder in _installed_folders() and folder / parts[0] not in path.parents:
            continue
        found = _match(folder, parts)
        if found and _names.is_own_folder(found[0]):
            continue
        if found and file_of(found[0]) is not None:
            return found
        if found and bare is None and (file_of(found[-1]) or any(child(found[-1], x) for x in fromlist)):
            bare = found
    return None if bare is None or (len(parts) == 1 and importlib.util.find_spec(parts[0]) is not None) else bare


def search_folders(path: Path) -> list[Path]:
    """Where an absolute import in a file looks, the first first."""
    top = path.parent
    while (top / "__init__.py").is_file() and top != top.parent:
        top = top.parent
    inside = [folder for folder in path.parents if folder != top and folder.is_relative_to(top)]
    folders: list[Path] = []
    for folder in [top, *_above(top), *inside]:
        folders += [folder, folder / "src"]
    return folders


def _above(folder: Path) -> list[Path]:
    """The folders above one, up to the project's root; at most two if nothing marks the root."""
    found: list[Path] = []
    limits = (Path(os.path.expanduser("~")), Path(tempfile.gettempdir()).resolve(), Path(folder.anchor))
    while not (marked := any((folder / mark).exists() for mark in ROOT_MARKS)):
        if folder in limits or folder.parent in limits:
            break
        folder = folder.parent
        found.append(folder)
    return found if marked else found[:2]


def _match(folder: Path, parts: Sequence[str]) -> list[Path] | None:
    found: list[Path] = []
    for part in parts:
        file = child(found[-1] if found else folder, part)
        if file is None:
            return None
        found.append(file)
    return found


def child(folder: Path, name: str) -> Path | None:
    """The package, module or bare folder `name` in a folder; Python prefers them in this order."""
    if (folder / name / "__init__.py").is_file():
        return folder / name
    if (folder / f"{name}.py").is_file():
        return folder / f"{name}.py"
    return folder / name if (folder / name).is_dir() else None


def file_of(path: Path) -> Path | None:
    """The file that runs when `path` is imported; None for a folder without __init__.py."""
    if not path.is_dir():
        return path
    return path / "__init__.py" if (path / "__init__.py").is_file() else None


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


@cache
def _installed_folders() -> set[Path]:
    """The folders of the standard library and of installed packages."""
    paths = sysconfig.get_paths()
    names = [paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")]
    named = [folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]
    return {Path(name).resolve() for name in [*names, *named, *site.getsitepackages()]}
