"""Whether a process trains in a run folder: asking disturbs nobody, and what cannot be known is not claimed."""

import threading
from pathlib import Path
from typing import Any

import filelock
import pytest

from nnlaw.nn.run_folder.folder import LOCK, Run
from nnlaw.spec.violation import BadInput


def test_a_run_is_busy_while_it_is_held(tmp_path: Path) -> None:
    """And not before, nor after."""
    run = Run(tmp_path)
    assert not run.busy
    with run.locked():
        assert run.busy
    assert not run.busy


def test_whoever_asks_keeps_no_training_from_its_start(tmp_path: Path) -> None:
    """A lock that is held for a moment, in order to ask, is waited for."""
    asker = filelock.FileLock(tmp_path / LOCK, thread_local=False)
    asker.acquire()
    threading.Timer(0.2, asker.release).start()
    with Run(tmp_path).locked():
        pass


def test_a_run_that_is_trained_in_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the moment is over."""
    monkeypatch.setattr("nnlaw.nn.run_folder.folder.LOCK_TIMEOUT", 0.1)
    refused = pytest.raises(BadInput, match="another process is training in this run folder")
    with Run(tmp_path).locked(), refused, Run(tmp_path).locked():
        pass


def test_a_lock_of_another_user_is_not_called_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be asked, so that the files tell; a training there is refused with the reason."""
    (tmp_path / LOCK).touch()

    def denied(*args: Any, **settings: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(filelock.FileLock, "_acquire", denied)
    assert not Run(tmp_path).busy
    with pytest.raises(BadInput, match="could not be locked: Permission denied"), Run(tmp_path).locked():
        pass
