"""The run folder: settings, metrics, weights, split, summary, pictures.

Every file is written whole or not at all, but for metrics.jsonl, to which lines are added: what a crash leaves there
beyond the checkpoint is cut off on resume. No two processes train in one folder.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from nnlaw.nn.core.atomic_write import replace_file, replaced
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

RUNS = Path("runs")
LOCK = ".lock"
PICTURES = ("curves.png", "mistakes.png")  # painted last of all
MOMENT = 1.0  # seconds: whoever asks whether a run is busy holds its lock for much less


@dataclass(frozen=True)
class Run:
    """One run folder."""

    folder: Path

    @classmethod
    def create(cls, folder: Path | None, under: Path = RUNS) -> Run:
        """A new folder, or one named by the time `under` a folder, never one that another run uses.

        Raises BadInput where the named one is taken.
        """
        if folder is not None:
            try:
                folder.mkdir(parents=True)
            except OSError as error:
                raise BadInput(f"run folder {folder}: {error.strerror}; name a new one") from error
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
        raise BadInput(f"run folder {under / stamp}: a thousand of this name exist")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process alone, until the block ends or the process dies.

        Raises BadInput where another process holds it for more than a moment, or there is no such folder.
        """
        from filelock import FileLock, Timeout

        if not self.folder.is_dir():
            raise BadInput(f"{self.folder}: no such folder, expected a run folder")
        lock = FileLock(self.folder / LOCK, timeout=MOMENT)
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
        """Whether a process is training in this folder now; False where the lock is another user's, and cannot tell."""
        from filelock import FileLock, Timeout

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
    def whole(self) -> bool:
        """Whether the training is finished and all of it is written, the pictures too."""
        return all((self.folder / name).exists() for name in ("summary.json", *PICTURES))

    def write(self, name: str, content: bytes) -> Path:
        """Write under a temporary name, then rename, so that a crash leaves the old file or the new one."""
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return replace_file(path, content)
        except OSError as error:
            raise BadInput(f"{path}: could not be written: {error.strerror}") from error

    def write_json(self, name: str, value: Any) -> Path:
        """A JSON file; numbers that JSON does not know become null."""
        return self.write(name, (json.dumps(plain(value), indent=2) + "\n").encode())

    def write_arrays(self, name: str, arrays: dict[str, Array], epoch: int | None = None) -> Path:
        """A safetensors file, which tells after which epoch its arrays stood so. Numbers are arrays of shape ()."""
        metadata = None if epoch is None else {"epoch": str(epoch)}
        return self.write(name, save({key: np.asarray(array, order="C") for key, array in arrays.items()}, metadata))

    def append_lines(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Add lines to a JSON-lines file."""
        path = self.folder / name
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write("".join(_line(row) for row in rows))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BadInput(f"{path}: could not be written: {error.strerror}") from error

    def size(self, name: str) -> int:
        """The bytes of a file, 0 where there is none."""
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0

    def cut(self, name: str, size: int) -> None:
        """Drop what a file has beyond `size` bytes. Raises BadInput where it has fewer."""
        if self.size(name) < size:
            raise BadInput(f"{self.folder / name}: {self.size(name):,} bytes, expected at least {size:,}")
        if self.size(name) > size:
            os.truncate(self.folder / name, size)


def write_picture(run: Run, name: str, paint: Callable[[Path], None]) -> None:
    """Let `paint` write a picture under a temporary name, then rename it. Raises BadInput where there is no room."""
    try:
        replaced(run.folder / name, paint)
    except OSError as error:
        raise BadInput(f"{run.folder / name}: could not be written: {error.strerror}") from error


def newest() -> Run:
    """The run whose weights were written last. Raises BadInput where there is none."""
    found = sorted(RUNS.glob("*/weights.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BadInput(f"no trained run in {RUNS}/; train one first: nn train")
    return Run(found[-1].parent)


def regular(path: Path) -> Path:
    """The path, unless what stands there is no file, as a pipe, which would wait for ever. Raises BadInput."""
    if path.exists() and not path.is_file():
        raise BadInput(f"{path}: not a file, expected one that a run writes")
    return path


def read_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file. Raises BadInput where it is absent or not one, or of types NumPy has not."""
    try:
        return load_file(regular(path))
    except BadInput:
        raise
    except (OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not a readable safetensors file: {error}") from error


def read_epoch(path: Path) -> str:
    """The epoch that a safetensors file tells, "unknown" where it tells none. Raises BadInput where it is not one."""
    try:
        with safe_open(regular(path), framework="numpy") as file:
            return str((file.metadata() or {}).get("epoch", "unknown"))
    except (OSError, SafetensorError) as error:
        raise BadInput(f"{path}: not a readable safetensors file: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises BadInput where it is absent or not one."""
    try:
        found = json.loads(regular(path).read_text(encoding="utf-8"))
    except BadInput:
        raise
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file, expected one that a run writes") from error
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not a readable JSON file: {error}") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path}: expected a JSON object, found {type(found).__name__}")
    return found


_encode = json.JSONEncoder(allow_nan=False).encode


def _line(row: dict[str, Any]) -> str:
    """A row as JSON; only what JSON does not know is looked at more closely."""
    try:
        return _encode(row) + "\n"
    except (TypeError, ValueError):
        return _encode(plain(row)) + "\n"


def plain(value: Any) -> Any:
    """A value in the form that JSON takes: arrays as lists, and null for what is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_ | np.ndarray):
        return plain(value.tolist())
    return value
