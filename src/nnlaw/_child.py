"""Start processes in which code under test runs.

    prestart()              start the server that forks them, while this process still imports the laws
    child = start()         a new process

This module imports only Python's own library, so that the server can be started before anything else is imported.
"""

from __future__ import annotations

import atexit
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nnlaw

PACKAGE = Path(nnlaw.__file__).parent
SERVER = PACKAGE / "spec" / "subjects" / "fork_server.py"
KEPT = ("PATH", "PYTHONHOME", "LANG", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "NN_SANDBOX")
KEPT_PREFIXES = ("LC_", "OPENBLAS_", "OMP_", "MKL_")
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SPIN = 0.0002  # seconds for which both processes look for a message; longer takes the time of other processes
MAX_PID = 20  # digits
_lock = threading.Lock()


@dataclass
class Child:
    """A process with limits, its scratch folder, and our ends of its pipes: requests, replies, output, notes and life.

    Notes are stacks written by faulthandler, and how the process ended. `life` has the number of the process that
    keeps the limits, and closes when that process ends.
    """

    folder: Path
    requests: int
    replies: int
    output: int
    notes: int
    life: int
    keeper: int = 0
    """The number of that process; 0 until it has started."""

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether the process has ended; waits up to so many seconds."""
        poll = select.poll()
        poll.register(self.life, select.POLLIN)
        end = time.monotonic() + seconds
        while poll.poll(1000 * max(0.0, end - time.monotonic())):
            content = os.read(self.life, MAX_PID)
            if not content:
                return True
            self.keeper = int(content)
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the process, which passes it on."""
        if not self.ended() and self.keeper:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.keeper, number)


@dataclass(frozen=True)
class _Server:
    """A process that forks children, our end of its socket, its environment, and the process that started it."""

    process: subprocess.Popen[bytes]
    socket: socket.socket
    environment: dict[str, str]
    owner: int

    def fits(self) -> bool:
        """Whether this process can use it: a fork of its owner can't, and neither can one whose environment changed."""
        return self.owner == os.getpid() and self.environment == environment() and self.process.poll() is None

    def close(self) -> None:
        """End the server; its children continue."""
        self.socket.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()


_server: _Server | None = None


def environment() -> dict[str, str]:
    """The environment of a process that imports this package: no secrets of ours, and one BLAS thread.

    One thread is fast on small arrays and keeps sums reproducible.
    """
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    paths = [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    own = {"PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *paths]), "PYTHONUNBUFFERED": "1"}
    return kept | ONE_THREAD | own


def can_start() -> bool:
    """Whether such processes work on this system: not on Windows, where pipes can't be polled."""
    return os.name == "posix"


def prestart() -> None:
    """Start the server, which is then ready for the next call of start()."""
    if can_start():
        with _lock:
            _running_server()


def start() -> Child:
    """A new process."""
    folder = Path(tempfile.mkdtemp(prefix="nn-verify-"))
    pipes = [os.pipe() for _ in range(5)]
    theirs = (pipes[0][0], *(write for _, write in pipes[1:]))
    ours = (pipes[0][1], *(read for read, _ in pipes[1:]))
    try:
        with _lock:
            socket.send_fds(_running_server().socket, [os.fsencode(folder)], theirs)
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
    return Child(folder, *ours)


def _running_server() -> _Server:
    """The server, started now if there is none that fits."""
    global _server
    if _server is not None and not _server.fits():
        _server.close()
        _server = None
    if _server is None:
        own, its = socket.socketpair()
        with its:
            process = subprocess.Popen(
                [sys.executable, "-P", str(SERVER), "nnlaw.nn.verify.child", str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                env=environment(),
                start_new_session=True,
            )
        _server = _Server(process, own, environment(), os.getpid())
    return _server


@atexit.register
def _end_server() -> None:
    if _server is not None:
        _server.close()
