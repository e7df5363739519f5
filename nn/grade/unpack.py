"""Unpack a zip file that a stranger made, into a folder.

    refused = unpack(Path("ann.zip"), folder)       what was left out, each with the reason

Nothing is written outside of the folder: absolute paths, `..`, links, encrypted files and archives within the archive
are left out, and an archive that unpacks to more than MAX_BYTES or MAX_FILES is refused as a whole.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from nnlaw.spec.violation import BadInput

MAX_BYTES = 256 * 2**20  # of all files together, counted while they are written
MAX_FILES = 2000
MAX_DEPTH = 20  # folders
MAX_NAME = 200  # bytes of the name of a file or folder
CHUNK = 2**20


def unpack(archive: Path, folder: Path) -> list[str]:
    """Write the files of an archive into a folder. Raises BadInput, without the folder, if that is not possible."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return _unpacked(opened, archive, folder)
    except BadInput:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(f"{archive.name}: not a readable zip file: {error}") from error
    except Exception as error:  # zlib.error, lzma.LZMAError, ...
        shutil.rmtree(folder, ignore_errors=True)
        raise BadInput(f"{archive.name}: a damaged zip file: {error}") from error


def _unpacked(opened: zipfile.ZipFile, archive: Path, folder: Path) -> list[str]:
    refused: list[str] = []
    rows = opened.infolist()
    if len(rows) > MAX_FILES:
        raise BadInput(f"{archive.name}: {len(rows):,} files, expected {MAX_FILES:,} at most")
    left = MAX_BYTES
    for row in rows:
        path = PurePosixPath(row.filename.replace("\\", "/"))
        if row.is_dir() or "__MACOSX" in path.parts:
            continue
        reason = _reason_to_refuse(row, path)
        if reason:
            refused.append(f"{row.filename[:MAX_NAME]}: {reason}")
            continue
        target = folder.joinpath(*path.parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            left = _write(opened, row, target, left)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            refused.append(f"{row.filename[:MAX_NAME]}: a file and a folder of the same name")
            continue
        if left < 0:
            raise BadInput(f"{archive.name}: it unpacks to more than {MAX_BYTES // 2**20} MiB")
    return refused


def _reason_to_refuse(row: zipfile.ZipInfo, path: PurePosixPath) -> str:
    if path.is_absolute() or ".." in path.parts or any(":" in part for part in path.parts[:1]):
        return "a path out of its folder"
    if stat.S_ISLNK(row.external_attr >> 16):
        return "a link"
    if row.flag_bits & 1:
        return "encrypted"
    if path.suffix.lower() == ".zip":
        return "a zip file in a zip file"
    too_long = any(len(part.encode(errors="replace")) > MAX_NAME or not part.isprintable() for part in path.parts)
    return "an unusable name" if too_long or not path.parts or len(path.parts) > MAX_DEPTH else ""


def _write(opened: zipfile.ZipFile, row: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file; return how many bytes are left of the limit, negative if it is exceeded."""
    with opened.open(row) as source, target.open("wb") as file:
        while left >= 0 and (content := source.read(CHUNK)):
            left -= len(content)
            if left >= 0:
                file.write(content)
    return left
