"""Scenario: a training is killed at random moments, as by `kill -9` or a power cut, and resumed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from nnlaw.nn.stress.recovery.training_process import Training, epochs_saved, epochs_trained
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.subprocess_run import kill
from nnlaw.nn.training.checkpoint import NAME
from nnlaw.spec.violation import BadInput, counted

QUICK, FULL = 3, 50
STARTUP = 30.0  # seconds allowed until the first step
WRITING = f".{NAME}."  # how the name of a checkpoint that is being written begins


@scenario(
    "kill-9",
    what=f"kill a training at {QUICK} random moments ({FULL} with --full), many of them while a checkpoint is written",
    expected="resumed, it gives the same bits as without interruption; a kill loses at most the current epoch",
)
def kill_and_resume(context: Context) -> Observation:
    """Kill and resume runs until there were enough kills; each finished run is compared with the reference."""
    if sys.platform == "win32":
        raise Skip("there is no kill -9 on Windows")
    return kill_and_compare(Training(context.folder, context.seed), context.rng, FULL if context.full else QUICK)


def kill_and_compare(training: Training, rng: np.random.Generator, needed: int) -> Observation:
    """The scenario for a number of kills."""
    counts = {"kills": 0, "while_writing": 0, "before_first_checkpoint": 0, "finished": 0}
    faults: list[str] = []
    folders = (path for i in count() if not (path := training.folder / f"run-{i}").exists())
    lost, run = 0, next(folders)
    while counts["kills"] < needed or not counts["finished"]:
        process, fault = training.start(run), ""
        finished = counts["kills"] >= needed or not _kill_at_random_moment(process, run, rng)
        if finished:
            ended = training.wait(process)
            fault = f"exit code {ended.code}: {ended.output[-300:]}" if ended.code else ""
        else:
            counts["kills"] += 1
            counts["while_writing"] += _is_writing(run)
            if (run / NAME).exists():
                fault, epochs = _lost_epochs(run)
                lost, finished = max(lost, epochs), (run / "summary.json").exists()  # then only images are missing
            else:
                counts["before_first_checkpoint"] += 1
        if finished and not fault:
            counts["finished"] += 1
            fault = training.difference(run)
        if fault:
            faults.append(f"after {counts['kills']} kills: {fault}")
        if finished or fault or not (run / NAME).exists():
            run = next(folders)
    metrics = {**counts, "most_epochs_lost": lost, "faults": faults}
    shown = f"{counts['kills']} kills, {counts['while_writing']} of them while a checkpoint was written; "
    shown += f"{counted(counts['finished'], 'finished run')}; "
    shown += f"first fault: {faults[0]}" if faults else "same bits; at most the current epoch was lost"
    return Observation(shown, not faults, metrics)


def _kill_at_random_moment(process: subprocess.Popen[bytes], run: Path, rng: np.random.Generator) -> bool:
    """Kill a training at a random moment after its start; False if it finished before.

    With probability ½, wait from that moment until a checkpoint is being written.
    """
    moment, writing = rng.uniform(0, 1.0), bool(rng.random() < 0.5)
    began = time.monotonic()
    stamp = _time_stamp(run)
    while process.poll() is None and _time_stamp(run) == stamp and time.monotonic() - began < STARTUP:
        time.sleep(0.001)  # while it imports and reads the checkpoint
    time.sleep(moment * 0.6 if process.poll() is None else 0)
    while writing and process.poll() is None and not _is_writing(run):
        pass  # no sleep: writing the file takes less time than the shortest sleep
    if process.poll() is not None:
        return False
    kill(process)
    return process.returncode < 0


def _is_writing(run: Path) -> bool:
    return run.exists() and any(name.startswith(WRITING) for name in os.listdir(run))


def _time_stamp(run: Path) -> int:
    """When record.json of a run was last written: at its start, and when it is resumed."""
    path = run / "record.json"
    return path.stat().st_mtime_ns if path.exists() else 0


def _lost_epochs(run: Path) -> tuple[str, int]:
    """The fault in a killed run (empty if it is correct), and the number of epochs lost."""
    try:
        lost = epochs_trained(run) - epochs_saved(run)
    except BadInput as error:
        return f"the checkpoint is damaged: {error}", 0
    return (f"{lost} epochs were lost" if lost > 1 else ""), max(0, lost)
