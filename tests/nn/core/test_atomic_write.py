"""Atomic writes, by all functions that write files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.cli.output.csv_output import write
from nnlaw.nn.core.atomic_write import replace_file, write_new
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.synthetic.cache import cached
from nnlaw.nn.run_folder.folder import Run
from nnlaw.spec.violation import BadInput

PIXELS = np.zeros((2, 3), np.uint8)


def _cache(folder: Path) -> None:
    cached("file", {"x": (2, 3)}, lambda: {"x": PIXELS})


WRITERS: dict[str, Callable[[Path], Any]] = {
    "bytes": lambda folder: replace_file(folder / "file.npz", b"new"),
    "a picture": lambda folder: Run(folder).write_picture("file.npz", lambda path: path.write_bytes(b"new")),
    "the cache": _cache,
    "IDX": lambda folder: write_idx(folder / "file.npz", PIXELS),
    "an export": lambda folder: write(folder / "file.npz", "new"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, which is also the user's cache folder, with an old file."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *args, **settings: str(tmp_path))
    (tmp_path / "file.npz").write_bytes(b"old")
    return tmp_path


@pytest.mark.parametrize("writer", WRITERS)
def test_an_interrupted_write_leaves_the_old_file_and_no_other(
    folder: Path, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it is interrupted after everything is written."""

    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        WRITERS[writer](folder)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"old"]


@pytest.mark.parametrize("writer", WRITERS)
def test_files_are_flushed_before_they_are_renamed(folder: Path, writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power failure leaves either the old file or the new one."""
    done: list[str] = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("on the disk"), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("renamed"), rename(*paths)))
    WRITERS[writer](folder)
    assert done == ["on the disk", "renamed"]
    assert [path.name for path in folder.iterdir()] == ["file.npz"] and (folder / "file.npz").read_bytes() != b"old"


def test_a_new_file_on_a_full_disk_is_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file that is left would be in the way of the next attempt."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")

    def full(path: Path, *mode: str, **settings: str) -> Any:
        path.touch()
        return open("/dev/full", "w")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(BadInput, match="No space left"):
        write_new(folder / "new.py", "text")
    assert not (folder / "new.py").exists()
    monkeypatch.undo()
    write_new(folder / "new.py", "text")
    with pytest.raises(BadInput, match="exists"):
        write_new(folder / "new.py", "text")
