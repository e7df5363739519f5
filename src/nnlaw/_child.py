"""Start the process in which the code under test runs.

    prestart()              begin to start one, while this process still imports the laws
    child = start()         the one that was started early, or a new one

This module imports only Python's own library, so that a process can be started before anything else is imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import nnlaw

PACKAGE = Path(nnlaw.__file__).parent
KEEPER = PACKAGE / "spec" / "subjects" / "keeper.py"
KEPT = ("PATH", "PYTHONHOME", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "NN_SANDBOX")
KEPT_PREFIXES = ("LC_", "OPENBLAS_", "OMP_", "MKL_")
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SPIN = 0.0002  # seconds for which both processes look for a message before they sleep
_ready: list[Child] = []
_lock = threading.Lock()


@dataclass(frozen=True)
class Child:
    """A started process, its scratch folder, and our ends of its pipes: requests, replies, output and notes.

    Notes are stacks written by faulthandler, and how the process ended.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    requests: int
    replies: int
    output: int
    notes: int


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process that imports this package: no secrets of ours, and one BLAS thread.

    One thread is fast on small arrays and keeps sums reproducible.
    """
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    own = {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *paths]), "PYTHONUNBUFFERED": "1"}
    return kept | ONE_THREAD | own | dict.fromkeys(("TMPDIR", "HOME"), str(folder))


def prestart() -> None:
    """Start a process that the next call of start() returns."""
    if can_start():
        _ready.append(_started())


def start() -> Child:
    """The process that was started early, or a new one."""
    with _lock:
        if _ready:
            return _ready.pop()
    return _started()


def discard() -> None:
    """End the processes that were started early and not used."""
    while _ready:
        child = _ready.pop()
        for end in (child.requests, child.replies, child.output, child.notes):
            os.close(end)  # on which its keeper kills it
        child.process.wait()


def can_start() -> bool:
    """Whether such processes work on this system: not on Windows, where pipes can't be polled."""
    return os.name == "posix"


def _started() -> Child:
    folder = Path(tempfile.mkdtemp(prefix="nn-verify-"))
    pipes = [os.pipe() for _ in range(4)]
    theirs = (pipes[0][0], *(write for _, write in pipes[1:]))
    ours = (pipes[0][1], *(read for read, _ in pipes[1:]))
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", str(KEEPER), "nnlaw.nn.verify.child", str(folder), *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=theirs[2],
            stderr=theirs[2],
            pass_fds=theirs,
            env=environment(folder),
            start_new_session=True,
        )
    except BaseException:
        for end in ours:
            os.close(end)
        folder.rmdir()
        raise
    finally:
        for end in theirs:
            os.close(end)
    for end in ours:
        os.set_blocking(end, False)
    return Child(process, folder, *ours)
