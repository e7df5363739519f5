"""The run folder: create it, lock it, write into it.

    run = Run.create(None)                  runs/20250101-120000
    with run.locked():
        run.write_json("summary.json", {...})

Each file is written atomically, but lines are appended to metrics.jsonl: lines after the last checkpoint are removed on
resume. Only one process at a time trains in a folder.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nnlaw.nn.core.atomic_write import TEMPORARY, replace_file, write_atomically
from nnlaw.nn.core.regular_file import regular_file
from nnlaw.nn.run_folder.array_files import array_bytes
from nnlaw.nn.run_folder.json_files import json_line, json_text
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

RUNS = Path("runs")
LOCK = ".lock"
PICTURES = ("curves.png", "mistakes.png")  # written last
CLOCK_SKEW = 60.0  # seconds by which the clock of a file server may be ahead
LOCK_TIMEOUT = 1.0  # seconds; `busy` holds the lock for much less
_locked: dict[Path, int] = {}
"""The folders that this process has locked, and the inode of each lock."""


@dataclass(frozen=True)
class Run:
    """A run folder."""

    folder: Path

    @classmethod
    def create(cls, folder: Path | None, under: Path = RUNS) -> Run:
        """Create `folder`, or by default a folder in `under` that is named after the time.

        Raises BadInput if `folder` exists or can't be created.
        """
        if folder is not None:
            try:
                folder.mkdir(parents=True)
            except FileExistsError as error:
                raise BadInput(f"{folder} exists already; choose another --run") from error
            except OSError as error:
                raise BadInput(f"run folder {folder}: {error.strerror}; choose another --run") from error
            return cls(folder)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for attempt in range(1000):
            path = under / (stamp if not attempt else f"{stamp}-{attempt}")
            try:
                path.mkdir(parents=True)
                return cls(path)
            except FileExistsError:
                continue
            except OSError as error:
                raise BadInput(f"run folder {path}: {error.strerror}") from error
        raise BadInput(f"run folder {under / stamp}: a thousand folders of this name exist")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for this process until the block or the process ends.

        Raises BadInput if another process holds the lock for more than a second, or there is no such folder.
        """
        if not self.folder.is_dir():
            raise BadInput(f"{self.folder}: no such folder")
        lock = FileLock(self.folder / LOCK, timeout=LOCK_TIMEOUT)
        try:
            regular_file(self._own(LOCK))
            lock.acquire()
        except Timeout:
            raise BadInput(f"{self.folder}: another process is training in this run folder") from None
        except OSError as error:
            raise BadInput(f"{self.folder}: could not be locked: {error.strerror}") from error
        key = self.folder.absolute()
        try:
            _locked[key] = (self.folder / LOCK).stat().st_ino
            for leftover in self.folder.glob(f".*{TEMPORARY}"):  # of a process that was killed
                with suppress(OSError):
                    leftover.unlink()
            yield
        finally:
            _locked.pop(key, None)
            lock.release()

    @property
    def busy(self) -> bool:
        """Whether a process is training in this folder now; False if the lock can't be opened."""
        try:
            if not regular_file(self._own(LOCK)).exists():
                return False
            with FileLock(self.folder / LOCK, timeout=0):
                return False
        except Timeout:
            return True
        except (OSError, BadInput):
            return False

    @property
    def complete(self) -> bool:
        """Whether the training is finished and everything is written, including the pictures."""
        return all((self.folder / name).exists() for name in ("summary.json", *PICTURES))

    def write(self, name: str, content: bytes) -> Path:
        """Write a file atomically. Raises BadInput if there is no room."""
        with self._writing(name) as path:
            for parent in reversed(Path(name).parents[:-1]):  # but not the run folder itself, if it was removed
                (self.folder / parent).mkdir(exist_ok=True)
            return replace_file(path, content)

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file; numbers that JSON does not have become null."""
        return self.write(name, json_text(value).encode())

    def write_arrays(self, name: str, arrays: dict[str, Array], epoch: int | None = None) -> Path:
        """Write a safetensors file that records after which epoch the arrays were saved."""
        return self.write(name, array_bytes(arrays, epoch))

    def write_picture(self, name: str, paint: Callable[[Path], None]) -> Path:
        """Let `paint` write a picture to a temporary path, then rename it. Raises BadInput if there is no room."""
        with self._writing(name) as path:
            return write_atomically(path, paint)

    def append_lines(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Append rows to a JSON-lines file. Raises BadInput if there is no room."""
        with self._writing(name) as path, regular_file(path).open("a", encoding="utf-8") as file:
            file.write("".join(json_line(row) for row in rows))
            file.flush()
            os.fsync(file.fileno())

    def size(self, name: str) -> int:
        """The size of a file in bytes, 0 if there is none."""
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0

    def truncate(self, name: str, size: int) -> None:
        """Cut a file to `size` bytes. Raises BadInput if it is shorter."""
        if self.size(name) < size:
            raise BadInput(f"{self.folder / name}: {self.size(name):,} bytes, expected at least {size:,}")
        if self.size(name) > size:
            with self._writing(name) as path:
                os.truncate(path, size)

    def _own(self, name: str) -> Path:
        """The path of a file of the run. Raises BadInput if a link leads elsewhere."""
        path = self.folder
        for part in Path(name).parts:
            path /= part
            if path.is_symlink():
                raise BadInput(f"{path}: is a link, expected a file of the run itself")
        return path

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        """The path to write to. Raises BadInput if that fails, or if the folder is not the one that was locked."""
        path, lock = self._own(name), self.folder / LOCK
        inode = _locked.get(self.folder.absolute()) if _locked else None
        try:
            if inode is not None and (not lock.exists() or lock.stat().st_ino != inode):
                raise OSError(errno.ESTALE, f"the folder, or its {LOCK}, was renamed or removed during the training")
            yield path
        except OSError as error:
            raise BadInput(f"{path}: could not be written: {error.strerror}") from error


def newest_run() -> Run:
    """The run in runs/ whose weights were written last. Raises BadInput if there is none."""
    found = sorted(RUNS.glob("*/weights.safetensors"), key=_written)
    if not found:
        raise BadInput(f"no trained run in {RUNS}/; train one first: nn train")
    return Run(found[-1].parent)


def _written(path: Path) -> float:
    """When a file was written; 0 if that is not known, or lies in the future."""
    try:
        found = path.stat().st_mtime
    except OSError:  # a link that leads nowhere
        return 0.0
    return found if found <= time.time() + CLOCK_SKEW else 0.0
