"""Scenarios: every file format that nn reads, damaged in thousands of ways and read in worker processes.

    metrics   the seed, the counts per outcome, the peak memory, and each distinct fault with its index
    arrays    the bytes of one damaged file per distinct fault, minimized if possible
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.stress.fuzzing.formats import FORMATS
from nnlaw.nn.stress.fuzzing.fuzz_trial import CRASH, FAULTS, HANG, READ, REFUSED, FuzzTrial
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.subprocess_run import ProcessResult, start, wait
from nnlaw.spec.arrays import Array

QUICK, FULL = 200, 10_000  # damaged files per format
SECONDS = 10  # of processor time that one reading may take
WALL_TIME_FACTOR = 6  # wall time allowed per processor time, for a busy machine
STARTUP = 60  # more seconds for a worker to import and to make valid files
MEMORY = 3 * 2**30  # bytes of address space, Python and NumPy included
MAX_CRASHES = 10  # of workers, before a scenario ends


def fuzz(
    context: Context, name: str, count: int = 0, module: str = "nnlaw.nn.stress.fuzzing.formats", seconds: int = SECONDS
) -> Observation:
    """Read `count` damaged files of a format in worker processes, and check the result of each reading."""
    if sys.platform == "win32":
        raise Skip("memory and time can't be limited on Windows")
    count = count or (FULL if context.full else QUICK)
    work = context.folder / name
    request = {"module": module, "format": name, "seed": context.seed, "count": count, "seconds": seconds}
    events: list[dict[str, Any]] = []
    first, crashes, done = 0, 0, False
    while not done and crashes < MAX_CRASHES:
        lines, ended = _run_worker(work, request | {"memory": MEMORY, "work": str(work), "first": first})
        events += [event for event in lines if "case" in event or "done" in event]
        done = any("done" in event for event in lines)
        if not done:
            last = max((event["start"] for event in lines if "start" in event), default=None)
            if last is None:
                raise RuntimeError(f"the worker failed before the first file: {ended.output[-500:]}")
            events.append({"case": last} | _crash(ended, lines))
            first, crashes = last + 1, crashes + 1
    return _observation(context, name, module, events)


def _run_worker(work: Path, request: dict[str, Any]) -> tuple[list[dict[str, Any]], ProcessResult]:
    """Run one worker; return its events and the result of its process."""
    work.mkdir(parents=True, exist_ok=True)
    place = work.parent
    journal, input_file, output = (place / f"{work.name}.{end}" for end in ("journal", "request", "output"))
    input_file.write_text(json.dumps(request), encoding="utf-8")
    journal.write_bytes(b"")
    command = (sys.executable, "-P", "-m", "nnlaw.nn.stress.fuzzing.fuzz_worker", str(journal), str(input_file))
    process = start(command, output)
    ended = wait(process, output, WALL_TIME_FACTOR * request["seconds"], journal, STARTUP)
    lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    return [event for line in lines for event in _parsed(line)], ended


def _parsed(line: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line)]
    except ValueError:  # a line of a stack
        return [{"stack": line.strip()}] if " line " in line else []


def _crash(ended: ProcessResult, lines: list[dict[str, Any]]) -> dict[str, str]:
    """How a worker crashed, and the innermost line of nn in the stack that it wrote."""
    late = ended.timed_out or ended.signal == "SIGXCPU"
    stack = [event["stack"] for event in lines if "stack" in event]
    own = [line for line in stack if "/nn/" in line and "/stress/" not in line] or stack or [""]
    text = "timed out" if late else f"the process ended with {ended.signal or f'exit code {ended.code}'}"
    return {"outcome": HANG if late else CRASH, "text": text, "where": own[0], "exception": ""}


def _observation(context: Context, name: str, module: str, events: list[dict[str, Any]]) -> Observation:
    outcomes = Counter(event["outcome"] for event in events if "outcome" in event)
    faults: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in events:
        if event.get("outcome") in FAULTS:
            kind = event["outcome"], event["where"], event["exception"] or event["text"]
            row = faults.setdefault(kind, {"index": event["case"], **event, "times": 0})
            row["times"] += 1
    counts = {outcome: outcomes[outcome] for outcome in (READ, REFUSED, *FAULTS)}
    metrics: dict[str, Any] = {"format": name, "seed": context.seed, "mutations": outcomes.total(), **counts}
    metrics |= {"peak_mb": max((event["peak_mb"] for event in events if "done" in event), default=None)}
    metrics["faults"] = [{k: v for k, v in row.items() if k != "case"} for row in faults.values()]
    shown = ", ".join(f"{n:,} {outcome}" for outcome, n in counts.items() if n or outcome in (READ, REFUSED))
    first = next(iter(faults.values()), None)
    more = f"; first: file {first['index']}: {first['text'][:200]} [{first['where']}]" if first else ""
    observed = f"{outcomes.total():,} damaged files: {shown}{more}"
    return Observation(observed, not faults, metrics, _bytes(context, name, module, metrics["faults"]))


def _bytes(context: Context, name: str, module: str, faults: list[dict[str, Any]]) -> dict[str, Array]:
    """The damaged file of each fault: as the worker minimized it, or else generated from its index."""
    found: dict[str, Array] = {}
    for row in faults:
        kept = context.folder / name / f"case-{row['index']}.bytes"
        if kept.exists():
            content = kept.read_bytes()
        else:
            format = importlib.import_module(module).FORMATS[name]
            damaged = FuzzTrial(format, context.folder / name, context.seed).damaged_file(row["index"])
            row["file"], content = damaged.name, damaged.content
        found[f"{name}-{row['index']}"] = np.frombuffer(content, np.uint8)
    return found


for _name in FORMATS:
    scenario(
        f"file-{_name}",
        what=f"{_name}: read {QUICK:,} damaged files ({FULL:,} with --full)",
        expected="each is read, or refused in one sentence, within the limits of time and memory, and no file is lost",
    )(partial(fuzz, name=_name))
