"""Run the command nn as a user does, and compare its exit code and output with what is documented.

    result = run(("verify", "layers.py"), folder, exit_code=2)
    result.fault          "" or, in words: a traceback, another exit code, or a time limit
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from nnlaw.nn.stress.scenario import Observation
from nnlaw.nn.stress.subprocess_run import PROGRAM, start, wait

SECONDS = 120.0  # allowed for one command
SIGNS = ("Traceback (most recent call last)", "internal error", "Exception ignored")

RIGHT = """import numpy as np


class Square:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy
"""
WRONG = RIGHT.replace("2 * self.x * dy", "self.x * dy")


@dataclass(frozen=True)
class CommandResult:
    """The output of a command, and its fault in words; "" if there is none."""

    output: str
    fault: str


def run(
    arguments: tuple[str, ...],
    folder: Path,
    exit_codes: Collection[int],
    *,
    wrapper: tuple[str, ...] = (),
    preexec: Callable[[], None] | None = None,
) -> CommandResult:
    """Run nn with these arguments in a folder; `wrapper` is a command that runs the rest of its arguments."""
    log = folder / "output.txt"
    ended = wait(start((*wrapper, *PROGRAM, *arguments), log, folder=folder, preexec=preexec), log, SECONDS)
    sign = next((each for each in SIGNS if each in ended.output), "")
    if ended.timed_out:
        fault = f"took longer than {SECONDS:g} s"
    elif sign:
        fault = f"prints {sign!r}"
    elif ended.code not in exit_codes:
        fault = f"exit code {ended.signal or ended.code}, expected {' or '.join(map(str, exit_codes))}: "
        fault += " / ".join(ended.output.strip().splitlines()[-3:])[-300:]
    else:
        fault = ""
    log.unlink()
    return CommandResult(ended.output, fault)


def observation(faults: dict[str, str], what: str) -> Observation:
    """The observation of several attempts by name: which have a fault."""
    bad = {name: fault for name, fault in faults.items() if fault}
    shown = f"{len(faults)} {what}, {len(bad)} with a fault"
    shown += "".join(f"; {name}: {fault}" for name, fault in bad.items())
    return Observation(shown, not bad, {"faults": faults})
