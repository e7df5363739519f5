"""Processes that a drill starts, and how they ended; all that they print goes to a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.verify.subprocesses import environment, kill, signal_name, wait_for

PROGRAM = (sys.executable, "-P", "-c", "from nnlaw.cli.main import main; main()")  # nn, as the user runs it


@dataclass(frozen=True)
class Ending:
    """How a process ended: its exit code (a signal where negative), whether it was late, and what it printed."""

    code: int
    late: bool
    printed: str

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, empty where none did."""
        return signal_name(self.code)


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
    """Wait for the end as `nnlaw.nn.verify.subprocesses.wait_for` does, and end it, however it stands then."""
    late = False
    try:
        late = not wait_for(process, seconds, journal, startup)
    finally:
        kill(process)
    return Ending(process.returncode, late, printed.read_text(encoding="utf-8", errors="replace"))
