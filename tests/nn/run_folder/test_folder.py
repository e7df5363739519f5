"""The lock of a run folder, and its pictures."""

import threading
from pathlib import Path
from typing import Any

import filelock
import pytest

from nnlaw.nn.run_folder.folder import LOCK, Run
from nnlaw.spec.violation import BadInput


def test_a_run_is_busy_while_it_is_locked(tmp_path: Path) -> None:
    """Not before, nor after."""
    run = Run(tmp_path)
    assert not run.busy
    with run.locked():
        assert run.busy
    assert not run.busy


def test_a_training_waits_for_a_short_lock(tmp_path: Path) -> None:
    """`busy` locks the folder for a moment."""
    lock = filelock.FileLock(tmp_path / LOCK, thread_local=False)
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    with Run(tmp_path).locked():
        pass


def test_a_run_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a short wait."""
    monkeypatch.setattr("nnlaw.nn.run_folder.folder.LOCK_TIMEOUT", 0.1)
    refused = pytest.raises(BadInput, match="another process is training in this run folder")
    with Run(tmp_path).locked(), refused, Run(tmp_path).locked():
        pass


def test_a_lock_that_cannot_be_opened_is_not_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training in that folder is refused with the reason."""
    (tmp_path / LOCK).touch()

    def denied(*args: Any, **settings: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(filelock.FileLock, "_acquire", denied)
    assert not Run(tmp_path).busy
    with pytest.raises(BadInput, match="could not be locked: Permission denied"), Run(tmp_path).locked():
        pass


def test_an_image_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The partial file is removed, and the message has the path and the reason."""

    def paint(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match=r"curves.png: could not be written: No space left"):
        Run(tmp_path).write_picture("curves.png", paint)
    assert not list(tmp_path.iterdir())
