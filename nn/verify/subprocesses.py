"""Processes with a time limit, killed together with all processes that they started.

    on_time = wait_for(process, 60, journal, startup=30)      60 s without a new event in the journal is too long
    kill(process)
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from nnlaw.spec.locations import IMPORT_ROOT

GRACE = 3.0  # seconds in which a process may write its stack before it is killed


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
    stop: threading.Event | None = None,
) -> bool:
    """Wait until the process ends or `stop` is set. False if it took too long; it has then written its stack.

    `seconds` limits the whole run or, with a `journal`, the time without a new event in it. While the journal is
    empty, the limit is `startup` seconds longer.
    """
    size, began = -1, time.monotonic()
    while process.poll() is None and not (stop and stop.is_set()):
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


def signal_name(code: int) -> str:
    """The name of the signal that ended a process with this exit code; empty if it was not a signal."""
    if code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:  # signals between SIGRTMIN and SIGRTMAX have a number only
        return f"signal {-code}"
