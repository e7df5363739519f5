"""The files that arguments of a command name.

    targets(["net.py::Dense"])        [Target(Path("net.py"), "Dense")]
    targets(["mypkg.layers:Dense"])   the file of the module mypkg.layers, from the current folder or installed
    targets(["src", "week*/*.ipynb"]) every file and notebook below src, and those that the pattern matches
"""

from __future__ import annotations

import glob
import importlib.util
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnlaw.spec.violation import BadInput

SUFFIXES = (".py", ".ipynb")
_ENVIRONMENTS = ("venv", "env")
_OTHERS = ("node_modules", "site-packages", "dist-packages", "build", "dist")


@dataclass(frozen=True)
class Target:
    """A file or notebook to check; with a name, only that class or function of it."""

    path: Path
    name: str | None = None


def targets(arguments: Sequence[str]) -> list[Target]:
    """The files that the arguments name, each once, in order.

    An argument is FILE, FILE::Name, module, module:Name, a folder or a glob pattern.
    Raises BadInput with one sentence if an argument names nothing.
    """
    found = dict.fromkeys(target for argument in arguments for target in _targets(str(argument)))
    whole = {target.path for target in found if target.name is None}
    return [target for target in found if target.name is None or target.path not in whole]


def _targets(argument: str) -> Iterator[Target]:
    path = Path(argument)
    if path.is_dir():
        files, _ = python_files(path)
        if not files:
            raise BadInput(f"{argument}: no .py file or notebook in this folder")
        yield from map(Target, files)
        return
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise BadInput(f"{argument}: expected a Python file (.py), a notebook (.ipynb) or a folder")
        yield Target(path)
        return
    file, separator, name = argument.rpartition("::")
    if separator and Path(file).is_file():
        yield Target(Path(file), _checked(name, argument))
        return
    matches = sorted(glob.glob(argument, recursive=True)) if glob.has_magic(argument) else []
    if matches:
        for match in matches:
            if Path(match).is_dir():
                yield from map(Target, python_files(Path(match))[0])
            elif Path(match).suffix in SUFFIXES:
                yield Target(Path(match))
        return
    module, separator, name = argument.partition(":")
    if all(part.isidentifier() for part in module.split(".")) and (not separator or name.isidentifier()):
        source = _module_file(module.split("."))
        if source:
            yield Target(source, name or None)
            return
        raise BadInput(f"{argument}: no such file, folder or module")
    raise BadInput(f"{argument}: {'no file matches' if glob.has_magic(argument) else 'no such file or folder'}")


def _checked(name: str, argument: str) -> str:
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadInput(f"{argument}: expected the name of a class or function after ::")
    return name


def python_files(folder: Path) -> tuple[list[Path], list[tuple[str, Path]]]:
    """The user's own files and notebooks below a folder, and the folders that are left out, each with the reason.

    They are hidden folders, environments, build output and run folders.
    """
    files: list[Path] = []
    left_out: list[tuple[str, Path]] = []
    for here, folders, names in os.walk(folder):
        reasons = {name: _reason_to_leave_out(Path(here, name)) for name in sorted(folders)}
        folders[:] = [name for name, reason in reasons.items() if not reason]
        left_out += [(reason, Path(here, name)) for name, reason in reasons.items() if reason and name != "__pycache__"]
        files += [Path(here, name) for name in names if name.endswith(SUFFIXES) and not name.startswith(".")]
    return sorted(files), left_out


def _reason_to_leave_out(folder: Path) -> str:
    """What kind of folder to leave out this is; empty for a folder to check."""
    if folder.name.startswith((".", "_")):
        return "hidden folder"
    if folder.name in _ENVIRONMENTS or (folder / "pyvenv.cfg").is_file():
        return "virtual environment"
    if folder.name in _OTHERS:
        return "folder of other code"
    return "run folder" if (folder / "config.toml").is_file() and (folder / "record.json").is_file() else ""


def _module_file(parts: list[str]) -> Path | None:
    """The file of a dotted module name, in the current folder, src/ or among the installed packages."""
    folders = [Path(), Path("src")]
    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        spec = None
    if spec and spec.submodule_search_locations:
        folders += [Path(location).parent for location in spec.submodule_search_locations]
    elif spec and spec.origin and spec.origin.endswith(".py"):
        folders.append(Path(spec.origin).parent)
    for folder in folders:
        base = folder.joinpath(*parts)
        for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None
