"""Files that are written whole or not at all, whoever writes them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.cli.output.csv_output import write
from nnlaw.nn.core.atomic_write import replace_file
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.synthetic.cache import cached
from nnlaw.nn.run_folder.folder import Run

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
    """A folder, the user's cache folder, too, with a file that is old."""
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *args, **settings: str(tmp_path))
    (tmp_path / "file.npz").write_bytes(b"old")
    return tmp_path


@pytest.mark.parametrize("who", WRITERS)
def test_what_is_interrupted_leaves_the_old_file_and_no_other(
    folder: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also at the last moment, when all is written."""

    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        WRITERS[who](folder)
    assert [path.read_bytes() for path in folder.iterdir()] == [b"old"]


@pytest.mark.parametrize("who", WRITERS)
def test_what_is_renamed_is_on_the_disk(folder: Path, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is brought there first, so that a machine that loses power leaves the old one or the new one."""
    done: list[str] = []
    sync, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append("on the disk"), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("renamed"), rename(*paths)))
    WRITERS[who](folder)
    assert done == ["on the disk", "renamed"]
    assert [path.name for path in folder.iterdir()] == ["file.npz"] and (folder / "file.npz").read_bytes() != b"old"
