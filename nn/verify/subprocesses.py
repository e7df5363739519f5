"""Processes that are watched, stopped when they hang, and ended with all that they started themselves.

    late = not ended(process, 60, journal, startup=30)      60 s without a new event in the journal are too many
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

GRACE = 3.0  # seconds in which a process may show its stack before it is killed


def environment() -> dict[str, str]:
    """This environment with nn where it is found now, and one thread: fast on small arrays, and sums stay the same."""
    here = str(IMPORT_ROOT)
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one, "PYTHONPATH": os.pathsep.join(paths)}


def ended(
    process: subprocess.Popen[bytes],
    seconds: float,
    journal: Path | None = None,
    startup: float = 0.0,
    stop: threading.Event | None = None,
) -> bool:
    """Wait for the end, or until `stop` is set; False where it took too long, and the process has shown its stack.

    `seconds` is how long it may take, or how long `journal` may stay as it is. As long as `journal` is empty it is
    granted `startup` seconds more.
    """
    size, began = -1, time.monotonic()
    while process.poll() is None and not (stop and stop.is_set()):
        if journal is not None and journal.stat().st_size != size:
            size, began = journal.stat().st_size, time.monotonic()
        if time.monotonic() - began > seconds + (0 if size else startup):
            _ask_for_stack(process)
            return False
        time.sleep(0.02)
    return True


def _ask_for_stack(process: subprocess.Popen[bytes]) -> None:
    """A worker writes its stack on SIGABRT; Windows has no such signal."""
    if hasattr(os, "killpg"):
        process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, as `kill -9` does, and whatever it started in its session."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def signal_name(code: int) -> str:
    """The name of the signal that ended a process of this exit code, empty where none did; some have a number only."""
    if code >= 0:
        return ""
    try:
        return signal.Signals(-code).name
    except ValueError:  # as those between SIGRTMIN and SIGRTMAX
        return f"signal {-code}"
