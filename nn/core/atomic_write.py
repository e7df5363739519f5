"""Write a file completely or not at all: under a temporary name, flushed to disk, then renamed.

    replace_file(path, b"...")                                          a file of ours
    write_atomically(path, lambda temporary: download_to(temporary))
    write_output(Path("/dev/stdout"), b"...")                           a file that the user named, or a device or pipe
    check_output(path)                                                  whether that can work, before the work begins

Only a regular file is replaced, never a device, a pipe, a link or a folder. Each write has a temporary name of its own,
so several processes may write the same file: the last one wins.
"""

from __future__ import annotations

import errno
import os
import secrets
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnlaw.spec.violation import BadInput

SOURCES = (".py", ".pyi", ".pyw", ".pyx", ".ipynb")  # a report is never written over one, as `--csv *.py` would
OPEN_FILES = ("/dev/", "/proc/")  # links below these are files that a process has open, such as /dev/stdout
MAX_NAME = 200  # bytes of the name that are part of the temporary name
TEMPORARY = ".tmp"
MAX_LINKS = 40
PATIENCE = 10.0  # seconds that the reader of a pipe may take for the next bytes


def write_atomically(path: Path, write: Callable[[Path], Any], mark: str = "") -> Path:
    """Let `write` create the file under a temporary name, then rename it to `path`.

    The temporary file is deleted if `write` raises or is interrupted. Its name ends in `mark`, or is random: only in a
    locked folder can it be known. Raises OSError, also if anything but a regular file is at `path`.
    """
    name = os.fsdecode(os.fsencode(path.name)[:MAX_NAME])
    temporary = path.with_name(f".{name}.{mark or secrets.token_hex(4) + TEMPORARY}")
    try:
        found = _mode(path)
        if found is not None and not stat.S_ISREG(found):
            raise OSError(errno.EEXIST, f"{_kind(found)} is there, expected a regular file")
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if found is not None and stat.S_IMODE(temporary.stat().st_mode) != stat.S_IMODE(found):
            os.chmod(temporary, stat.S_IMODE(found))  # a call that a sandbox refuses
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # the folder may be neither writable nor readable
            temporary.unlink(missing_ok=True)
        raise
    return path


def replace_file(path: Path, content: bytes) -> Path:
    """Write `content` atomically. Raises OSError."""
    return write_atomically(path, lambda temporary: _write_new(temporary, content))


def write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet; if that fails, nothing is left. Raises BadInput."""
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink()
                raise
    except FileExistsError:
        raise BadInput(f"{path} exists; choose another file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def write_output(path: Path, content: bytes) -> None:
    """Write a file that the user named: atomically if a regular file or nothing is there, also behind a link.

    A device, a pipe or an open file such as /dev/stdout is written into. Raises BadInput if that fails, if a pipe has
    no reader, or if `path` is a source file.
    """
    check_output(path)
    try:
        place = _followed(path)
        if place is None:
            _write_into(path, content)
        else:
            replace_file(place, content)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def check_output(path: Path) -> None:
    """Raise BadInput if `path` is a source file or a folder, or its folder does not exist."""
    try:
        place = _followed(path) or path
        if place.suffix.lower() in SOURCES or path.suffix.lower() in SOURCES:
            raise BadInput(f"{path}: is a source file, which is never overwritten by an output; choose another name")
        if place.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        place.parent.stat()
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def is_open_file(path: Path) -> bool:
    """Whether `path` is a device, a pipe or an open file, to be written into. Raises OSError for a loop of links."""
    return _followed(path) is None


def _followed(path: Path) -> Path | None:
    """Where the links at `path` lead to; None for what is written into."""
    for _ in range(MAX_LINKS):
        found = _mode(path)
        if found is None or stat.S_ISREG(found) or stat.S_ISDIR(found):
            return path
        place = os.path.join(os.path.realpath(path.parent), path.name)
        if not stat.S_ISLNK(found) or place.startswith(OPEN_FILES):
            return None
        path = path.parent / os.readlink(path)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _write_new(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)


def _write_into(path: Path, content: bytes) -> None:
    """Write into a device, pipe or open file, which must not block forever."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nothing reads from this pipe") from error
        raise
    try:
        rest = memoryview(content)
        while rest:
            try:
                rest = rest[os.write(file, rest) :]
            except BlockingIOError:
                if not select.select([], [file], [], PATIENCE)[1]:
                    raise OSError(errno.EAGAIN, f"its reader took nothing for {PATIENCE:g} s") from None
    finally:
        os.close(file)
