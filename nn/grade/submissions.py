"""The submissions of a class in a folder: one per student.

    with submissions(Path("hw3")) as found:
        for submission in found: print(submission.student, submission.files)

A student has a folder, a zip file, or one or more files. Names that Moodle and Canvas give to their exports are read:

    Ann Lee_482913_assignsubmission_file_/hw3.py       Moodle, a folder per student
    Ann Lee_482913_assignsubmission_file_hw3.py        Moodle, without folders
    leeann_LATE_4127_99120_hw3.py                      Canvas

Zip files are unpacked into a folder that is removed in the end. Links are not followed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nnlaw.nn.grade.unpack import unpack
from nnlaw.spec.violation import BadInput

SUFFIXES = (".py", ".ipynb")
MAX_FILES = 40  # Python files and notebooks of a submission that are checked
MAX_FILE_SIZE = 4 * 2**20  # bytes
MOODLE = re.compile(r"(?P<student>.+?)_(?P<id>\d+)_assignsubmission_(file|onlinetext)_?(?P<rest>.*)", re.S)
CANVAS = re.compile(r"(?P<student>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_(?P<rest>.+)", re.S)
IGNORED = {"__pycache__", "__MACOSX", "node_modules", "site-packages", "venv", "env"}


@dataclass
class Submission:
    """What one student submitted: the folder with it, and the files to check, relative to it."""

    student: str
    id: str = ""
    late: bool = False
    folder: Path = Path()
    files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What could not be used, each with the reason."""


@dataclass(frozen=True)
class _Source:
    """A file or folder of a student, and its name there."""

    path: Path
    name: str


@contextmanager
def submissions(path: Path, *, single: bool = False, without: Container[Path] = ()) -> Iterator[list[Submission]]:
    """The submissions in a folder or a zip file, sorted by student. With `single`, all of it is the one of one student.

    Entries in `without` are left out. Raises BadInput if there is nothing.
    """
    scratch = Path(tempfile.mkdtemp(prefix="nn-grade-"))
    try:
        yield _submissions(path, scratch, single, without)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _submissions(path: Path, scratch: Path, single: bool, without: Container[Path]) -> list[Submission]:
    if single:
        return [_collected(Submission(path.resolve().stem), [_Source(path, path.name)], scratch / "0")]
    if path.suffix.lower() == ".zip" and path.is_file():
        unpack(path, scratch / "export")
        path = _without_outer_folder(scratch / "export")
    if not path.is_dir():
        raise BadInput(f"{path}: expected a folder, or a zip file, of submissions")
    groups: dict[tuple[str, str], tuple[Submission, list[_Source]]] = {}
    for entry in sorted(path.iterdir()):
        if entry.name.startswith(".") or entry.name in IGNORED or entry.resolve() in without:
            continue
        submission, name = _named(entry)
        known, sources = groups.setdefault((submission.student, submission.id), (submission, []))
        known.late |= submission.late
        sources.append(_Source(entry, name))
    if not groups:
        raise BadInput(f"{path}: no submissions in this folder")
    order = sorted(groups, key=lambda key: (key[0].casefold(), key))
    return [_collected(*groups[key], scratch / str(i)) for i, key in enumerate(order)]


def _without_outer_folder(folder: Path) -> Path:
    """The only folder in a folder, as archives of a folder have it, unless that is a student's; else the folder."""
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.is_dir() else []
    outer = len(inside) == 1 and inside[0].is_dir() and not MOODLE.fullmatch(inside[0].name)
    has_students = outer and any(each.is_dir() or each.suffix in (".zip", *SUFFIXES) for each in inside[0].iterdir())
    return inside[0] if has_students else folder


def _named(entry: Path) -> tuple[Submission, str]:
    """The student of a file or folder, and the file's own name."""
    is_folder = entry.is_dir() and not entry.is_symlink()
    found = MOODLE.fullmatch(entry.name) or (None if is_folder else CANVAS.fullmatch(entry.name))
    if found is None:
        return Submission(entry.name if is_folder else entry.stem), entry.name
    late = bool(found.groupdict().get("late"))
    return Submission(found["student"].strip(), found["id"], late), found["rest"] or entry.name


def _collected(submission: Submission, sources: list[_Source], scratch: Path) -> Submission:
    """The submission with its folder and files. A folder is used as it is; other files are copied or unpacked."""
    usable = [source for source in sources if not _not_usable(source.path)]
    submission.problems += [f"{source.name}: {_not_usable(source.path)}" for source in sources if source not in usable]
    folders = [source.path for source in usable if source.path.is_dir()]
    archives = [source for source in usable if source.path.suffix.lower() == ".zip" and source.path not in folders]
    if folders:
        archives += [_Source(file, file.name) for file in _below(folders[0]) if file.suffix.lower() == ".zip"]
    if len(usable) == 1 and folders and not archives:
        submission.folder = folders[0].resolve()
    else:
        submission.folder = scratch
        for source in usable:
            if source not in archives:
                _copy(source, scratch)
        for archive in archives:
            _unpack(submission, archive, scratch)
    _list_files(submission)
    return submission


def _not_usable(path: Path) -> str:
    """Why a path can't be used: a link may lead out of the submission, and reading a pipe never ends."""
    if path.is_symlink():
        return "a link"
    return "" if path.is_file() or path.is_dir() else "neither a file nor a folder"


def _copy(source: _Source, scratch: Path) -> None:
    if source.path.is_dir():
        by_name = shutil.ignore_patterns(*IGNORED, ".*", "*.zip")

        def ignored(folder: str, names: list[str]) -> set[str]:
            special = {name for name in names if _not_usable(Path(folder, name)).startswith("neither")}
            return {*by_name(folder, names), *special}

        shutil.copytree(source.path, scratch, symlinks=True, dirs_exist_ok=True, ignore=ignored)
    else:
        scratch.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.path, scratch / source.name)


def _unpack(submission: Submission, archive: _Source, scratch: Path) -> None:
    """Unpack an archive into a folder of its own; files of the only archive lie in the folder of the submission."""
    try:
        folder = scratch / Path(archive.name).stem if scratch.exists() else scratch
        submission.problems += unpack(archive.path, folder)
    except BadInput as error:
        submission.problems.append(str(error))


def _list_files(submission: Submission) -> None:
    others: list[str] = []
    for file in _below(submission.folder):
        name = file.relative_to(submission.folder).as_posix()
        if file.suffix.lower() not in SUFFIXES:
            others.append(name)
        elif file.is_symlink() or not file.is_file():
            submission.problems.append(f"{name}: not a regular file")
        elif file.stat().st_size > MAX_FILE_SIZE:
            submission.problems.append(f"{name}: larger than {MAX_FILE_SIZE // 2**20} MiB")
        else:
            submission.files.append(name)
    if len(submission.files) > MAX_FILES:
        submission.problems.append(f"{len(submission.files)} files; only {MAX_FILES} are checked")
        del submission.files[MAX_FILES:]
    if not submission.files and not submission.problems:
        shown = f" ({', '.join(others[:3])}{', ...' if len(others) > 3 else ''})" if others else ""
        submission.problems.append(f"no Python file and no notebook{shown}" if others else "empty")


def _below(folder: Path) -> list[Path]:
    """The files below a folder, sorted, without those in hidden folders, environments and caches."""
    found: list[Path] = []
    for here, folders, names in os.walk(folder):
        folders[:] = [
            name for name in folders
            if not name.startswith(".") and name not in IGNORED and not Path(here, name, "pyvenv.cfg").exists()
        ]  # fmt: skip
        found += [Path(here, name) for name in names if not name.startswith(".")]
    return sorted(found)
