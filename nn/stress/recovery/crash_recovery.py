"""Drill: a training is killed at any moment, as by `kill -9` or a power cut, and goes on as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from nnlaw.nn.stress.recovery.training_process import Training, epochs_begun, epochs_kept
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.training.checkpoint import NAME
from nnlaw.nn.verify.subprocesses import kill
from nnlaw.spec.violation import BadInput

QUICK, FULL = 5, 50
BEGIN = 30.0  # seconds in which a training comes to its first step
WRITING = f".{NAME}.tmp"


@scenario(
    "kill-9",
    what=f"a training is killed at {QUICK} random moments ({FULL} in full), many of them while a checkpoint is written",
    expected="resumed, it ends bit for bit as if undisturbed, and no kill costs more than the current epoch",
)
def kill_and_resume(context: Context) -> Observation:
    """Kill and resume runs in turn until enough were killed; each that comes to its end is held against the truth."""
    if sys.platform == "win32":
        raise Skip("there is no kill -9 on Windows")
    return killed(Training(context.folder, context.seed), context.rng, FULL if context.full else QUICK)


def killed(training: Training, rng: np.random.Generator, needed: int) -> Observation:
    """The drill for a number of kills."""
    counts = {"kills": 0, "while_writing": 0, "before_first_checkpoint": 0, "finished": 0}
    faults: list[str] = []
    folders = (path for i in count() if not (path := training.folder / f"run-{i}").exists())
    lost, run = 0, next(folders)
    while counts["kills"] < needed or not counts["finished"]:
        process, fault = training.begin(run), ""
        ended = counts["kills"] >= needed or not _killed(process, run, rng)
        if ended:
            ending = training.wait(process)
            fault = f"exit code {ending.code}: {ending.printed[-300:]}" if ending.code else ""
        else:
            counts["kills"] += 1
            counts["while_writing"] += (run / WRITING).exists()
            if (run / NAME).exists():
                fault, cost = _cost(run)
                lost, ended = max(lost, cost), (run / "summary.json").exists()  # then only its pictures are missing
            else:
                counts["before_first_checkpoint"] += 1
        if ended and not fault:
            counts["finished"] += 1
            fault = training.differs(run)
        if fault:
            faults.append(f"after {counts['kills']} kills: {fault}")
        if ended or fault or not (run / NAME).exists():
            run = next(folders)
    metrics = {**counts, "most_epochs_lost": lost, "faults": faults}
    shown = f"{counts['kills']} kills, {counts['while_writing']} of them while a checkpoint was written; "
    shown += f"{counts['finished']} runs came to their end, "
    shown += f"first fault: {faults[0]}" if faults else "all as if undisturbed; at most the current epoch was lost"
    return Observation(shown, not faults, metrics)


def _killed(process: subprocess.Popen[bytes], run: Path, rng: np.random.Generator) -> bool:
    """Kill a training at a moment between its first checkpoint and its end; False where it ended before.

    Every other time the moment is the first after it at which a checkpoint is being written.
    """
    moment, writing = rng.uniform(0, 1.0), bool(rng.random() < 0.5)
    begun = time.monotonic()
    stamp = _stamp(run)
    while process.poll() is None and _stamp(run) == stamp and time.monotonic() - begun < BEGIN:
        time.sleep(0.001)  # it is importing, or reading the checkpoint
    time.sleep(moment * 0.6 if process.poll() is None else 0)
    while writing and process.poll() is None and not (run / WRITING).exists():
        pass  # a file is written in less time than a process sleeps
    if process.poll() is not None:
        return False
    kill(process)
    return process.returncode < 0


def _stamp(run: Path) -> int:
    """When the record of a run was last written: at its beginning, and when it is resumed."""
    path = run / "record.json"
    return path.stat().st_mtime_ns if path.exists() else 0


def _cost(run: Path) -> tuple[str, int]:
    """What is wrong with a run that was killed, or nothing; and how many epochs must be trained again."""
    try:
        begun, kept = epochs_begun(run), epochs_kept(run)
    except BadInput as error:
        return f"the checkpoint is damaged: {error}", 0
    cost = begun - kept
    return (f"{cost} epochs were lost" if cost > 1 else ""), max(0, cost)
