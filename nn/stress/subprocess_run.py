"""Start a process and wait for it with a time limit; all that it prints goes to a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.verify.process import signal_name
from nnlaw.spec.locations import IMPORT_ROOT

PROGRAM = (sys.executable, "-P", "-c", "from nnlaw.cli.main import main; main()")  # the command nn
GRACE = 3.0  # seconds in which a process may write its stack before it is killed


@dataclass(frozen=True)
class ProcessResult:
    """The exit code of a process (negative: a signal), whether it timed out, and its output."""

    code: int
    timed_out: bool
    output: str

    @property
    def signal(self) -> str:
        """The name of the signal that ended it; empty if it was not a signal."""
        return signal_name(self.code)


def start(
    command: tuple[str, ...], output: Path, *, folder: Path | None = None, preexec: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; `output` receives what it prints. It calls `preexec` first."""
    with output.open("wb") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            preexec_fn=preexec,  # it only sets a limit
        )


def wait(
    process: subprocess.Popen[bytes], output: Path, seconds: float, journal: Path | None = None, startup: float = 0.0
) -> ProcessResult:
    """Wait as `wait_for` does, then kill the process and all that it started."""
    timed_out = False
    try:
        timed_out = not wait_for(process, seconds, journal, startup)
    finally:
        kill(process)
    return ProcessResult(process.returncode, timed_out, output.read_text(encoding="utf-8", errors="replace"))


def environment() -> dict[str, str]:
    """The environment of a process that imports this package, with one BLAS thread.

    One thread is fast on small arrays and keeps sums reproducible.
    """
    paths = [str(IMPORT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(paths)}


def wait_for(
    process: subprocess.Popen[bytes],
    seconds: float,
    journal: Path | None = None,
    startup: float = 0.0,
) -> bool:
    """Wait until the process ends. False if it took too long; it has then written its stack.

    `seconds` limits the whole run or, with a `journal`, the time without a new event in it. While the journal is
    empty, the limit is `startup` seconds longer.
    """
    size, began = -1, time.monotonic()
    while process.poll() is None:
        if journal is not None and journal.stat().st_size != size:
            size, began = journal.stat().st_size, time.monotonic()
        if time.monotonic() - began > seconds + (0 if size else startup):
            _request_stack(process)
            return False
        time.sleep(0.02)
    return True


def _request_stack(process: subprocess.Popen[bytes]) -> None:
    """A worker writes its stack on SIGABRT. Windows has no such signal."""
    if hasattr(os, "killpg"):
        process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process as `kill -9` does, and all processes of its session."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
