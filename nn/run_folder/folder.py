"""The run folder: create it, lock it, write into it.

    run = Run.create(None)                  runs/20250101-120000
    with run.locked():
        run.write_json("summary.json", {...})

Each file is written atomically, but lines are appended to metrics.jsonl: lines after the last checkpoint are removed on
resume. Only one process at a time trains in a folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nnlaw.nn.core.atomic_write import replace_file, write_atomically
from nnlaw.nn.run_folder.array_files import array_bytes
from nnlaw.nn.run_folder.json_files import json_line, json_text
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

RUNS = Path("runs")
LOCK = ".lock"
PICTURES = ("curves.png", "mistakes.png")  # written last
LOCK_TIMEOUT = 1.0  # seconds; `busy` holds the lock for much less


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
            lock.acquire()
        except Timeout:
            raise BadInput(f"{self.folder}: another process is training in this run folder") from None
        except OSError as error:
            raise BadInput(f"{self.folder}: could not be locked: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    @property
    def busy(self) -> bool:
        """Whether a process is training in this folder now; False if the lock can't be opened."""
        if not (self.folder / LOCK).exists():
            return False
        try:
            with FileLock(self.folder / LOCK, timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    @property
    def complete(self) -> bool:
        """Whether the training is finished and everything is written, including the pictures."""
        return all((self.folder / name).exists() for name in ("summary.json", *PICTURES))

    def write(self, name: str, content: bytes) -> Path:
        """Write a file atomically. Raises BadInput if there is no room."""
        path = self.folder / name
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            return replace_file(path, content)

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file; numbers that JSON does not have become null."""
        return self.write(name, json_text(value).encode())

    def write_arrays(self, name: str, arrays: dict[str, Array], epoch: int | None = None) -> Path:
        """Write a safetensors file that records after which epoch the arrays were saved."""
        return self.write(name, array_bytes(arrays, epoch))

    def write_picture(self, name: str, paint: Callable[[Path], None]) -> Path:
        """Let `paint` write a picture to a temporary path, then rename it. Raises BadInput if there is no room."""
        with _writing(self.folder / name):
            return write_atomically(self.folder / name, paint)

    def append_lines(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Append rows to a JSON-lines file. Raises BadInput if there is no room."""
        path = self.folder / name
        with _writing(path), path.open("a", encoding="utf-8") as file:
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
            os.truncate(self.folder / name, size)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn OSError into BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path}: could not be written: {error.strerror}") from error


def newest_run() -> Run:
    """The run in runs/ whose weights were written last. Raises BadInput if there is none."""
    found = sorted(RUNS.glob("*/weights.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BadInput(f"no trained run in {RUNS}/; train one first: nn train")
    return Run(found[-1].parent)
