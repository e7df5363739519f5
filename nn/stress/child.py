"""Processes that a drill starts: watched, stopped when they hang, and ended with all that they started themselves."""

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

GRACE = 3.0  # seconds in which a process may show its stack before it is killed
PROGRAM = (sys.executable, "-P", "-c", "from cli.main import main; main()")  # nn, as the user runs it


@dataclass(frozen=True)
class Ending:
    """How a process ended: its exit code (a signal where negative), whether it was late, and what it printed."""

    code: int
    late: bool
    printed: str

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, empty where none did."""
        return signal.Signals(-self.code).name if self.code < 0 else ""


def start(
    command: tuple[str, ...], printed: Path, *, folder: Path | None = None, before: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; all it prints goes to a file. `before` is done in it first."""
    with printed.open("wb") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment(),
            start_new_session=True,
            preexec_fn=before,  # sets a limit, nothing else
        )


def watch(
    process: subprocess.Popen[bytes], printed: Path, seconds: float, journal: Path | None = None, startup: float = 0.0
) -> Ending:
    """Wait for the end; `seconds` is how long it may take, or how long `journal` may stay as it is.

    As long as `journal` is empty it is granted `startup` seconds more.
    """
    late = False
    try:
        late = not _ended(process, seconds, journal, startup)
        if late:
            process.send_signal(signal.SIGABRT)  # a worker writes its stack
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
    finally:
        kill(process)
    return Ending(process.returncode, late, printed.read_text(encoding="utf-8", errors="replace"))


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, as `kill -9` does, and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment() -> dict[str, str]:
    """This environment with nn where it is found now, and one thread, so that sums are the same each time."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one, "PYTHONPATH": os.pathsep.join(paths)}


def _ended(process: subprocess.Popen[bytes], seconds: float, journal: Path | None, startup: float) -> bool:
    size, began = -1, time.monotonic()
    while process.poll() is None:
        if journal is not None and journal.stat().st_size != size:
            size, began = journal.stat().st_size, time.monotonic()
        if time.monotonic() - began > seconds + (0 if size else startup):
            return False
        time.sleep(0.01)
    return True
