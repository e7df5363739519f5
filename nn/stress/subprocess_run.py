"""Start a process and wait for it with a time limit; all that it prints goes to a file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.verify.subprocesses import environment, kill, signal_name, wait_for

PROGRAM = (sys.executable, "-P", "-c", "from nnlaw.cli.main import main; main()")  # the command nn


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
    """Wait as `nnlaw.nn.verify.subprocesses.wait_for` does, then kill the process and all that it started."""
    timed_out = False
    try:
        timed_out = not wait_for(process, seconds, journal, startup)
    finally:
        kill(process)
    return ProcessResult(process.returncode, timed_out, output.read_text(encoding="utf-8", errors="replace"))
