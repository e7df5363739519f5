"""Drills on files: every format that the program reads, damaged in thousands of ways.

    figures   the seed, the counts per outcome, the peak of memory, and each distinct fault with its index
    arrays    the bytes of one damaged file per distinct fault, made smaller where that was easy
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

from nnlaw.nn.stress.fuzzing.formats import FORMATS, Format
from nnlaw.nn.stress.fuzzing.fuzz_trial import CRASH, FAULTS, HANG, READ, REFUSED, Bench
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.subprocess_run import Ending, start, watch
from nnlaw.spec.arrays import Array

QUICK, FULL = 300, 10_000  # damaged files per format
SECONDS = 10  # of computing that a reading may take
PATIENCE = 6  # times as long by the clock, on a busy machine
STARTUP = 60  # seconds more in which a worker imports, and makes valid files
MEMORY = 3 * 2**30  # bytes of address space, Python and NumPy included
MOST = 10  # workers that may die before a format is given up


def damage(
    context: Context, name: str, count: int = 0, module: str = "nnlaw.nn.stress.fuzzing.formats", seconds: int = SECONDS
) -> Observation:
    """Read `count` damaged files of a format in worker processes, and judge how each reading ended."""
    if sys.platform == "win32":
        raise Skip("memory and time can't be bounded on Windows")
    count = count or (FULL if context.full else QUICK)
    work = context.folder / name
    request = {"module": module, "format": name, "seed": context.seed, "count": count, "seconds": seconds}
    events: list[dict[str, Any]] = []
    first, deaths, ended = 0, 0, False
    while not ended and deaths < MOST:
        lines, ending = _work(work, request | {"memory": MEMORY, "work": str(work), "first": first})
        events += [event for event in lines if "case" in event or "done" in event]
        ended = any("done" in event for event in lines)
        if not ended:
            last = max((event["start"] for event in lines if "start" in event), default=None)
            if last is None:
                raise RuntimeError(f"the worker ended by itself: {ending.printed[-500:]}")
            events.append({"case": last} | _death(ending, lines))
            first, deaths = last + 1, deaths + 1
    return _outcome(context, name, module, events)


def _work(work: Path, request: dict[str, Any]) -> tuple[list[dict[str, Any]], Ending]:
    """One worker's events, and how it ended."""
    work.mkdir(parents=True, exist_ok=True)
    place = work.parent
    journal, asked, printed = (place / f"{work.name}.{end}" for end in ("journal", "request", "printed"))
    asked.write_text(json.dumps(request), encoding="utf-8")
    journal.write_bytes(b"")
    command = (sys.executable, "-P", "-m", "nnlaw.nn.stress.fuzzing.fuzz_worker", str(journal), str(asked))
    process = start(command, printed)
    ending = watch(process, printed, PATIENCE * request["seconds"], journal, STARTUP)
    lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    return [event for line in lines for event in _parsed(line)], ending


def _parsed(line: str) -> list[dict[str, Any]]:
    try:
        return [json.loads(line)]
    except ValueError:  # a line of a stack
        return [{"stack": line.strip()}] if " line " in line else []


def _death(ending: Ending, lines: list[dict[str, Any]]) -> dict[str, str]:
    """What a worker died of, and the innermost line of ours in the stack that it left."""
    late = ending.late or ending.signal == "SIGXCPU"
    stack = [event["stack"] for event in lines if "stack" in event]
    ours = [line for line in stack if "/nn/" in line and "/stress/" not in line] or stack or [""]
    text = "it did not end in time" if late else f"ended by {ending.signal or f'exit code {ending.code}'}"
    return {"outcome": HANG if late else CRASH, "text": text, "where": ours[0]}


def _outcome(context: Context, name: str, module: str, events: list[dict[str, Any]]) -> Observation:
    outcomes = Counter(event["outcome"] for event in events if "outcome" in event)
    faults: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in events:
        if event.get("outcome") in FAULTS:
            kind = event["outcome"], event["where"], event["text"].partition(":")[0]
            row = faults.setdefault(kind, {"index": event["case"], **event, "times": 0})
            row["times"] += 1
    counts = {outcome: outcomes[outcome] for outcome in (READ, REFUSED, *FAULTS)}
    metrics: dict[str, Any] = {"format": name, "seed": context.seed, "mutations": outcomes.total(), **counts}
    metrics |= {"peak_mb": max((event["peak_mb"] for event in events if "done" in event), default=None)}
    metrics["faults"] = [{k: v for k, v in row.items() if k != "case"} for row in faults.values()]
    shown = ", ".join(f"{n:,} {outcome}" for outcome, n in counts.items() if n or outcome in (READ, REFUSED))
    first = next(iter(faults.values()), None)
    more = f"; first: case {first['index']}: {first['text'][:200]} [{first['where']}]" if first else ""
    observed = f"{outcomes.total():,} damaged files: {shown}{more}"
    return Observation(observed, not faults, metrics, _bytes(context, name, module, metrics["faults"]))


def _bytes(context: Context, name: str, module: str, faults: list[dict[str, Any]]) -> dict[str, Array]:
    """The damaged file of each fault: as the worker made it smaller, or else made again from its index."""
    found: dict[str, Array] = {}
    for row in faults:
        kept = context.folder / name / f"case-{row['index']}.bytes"
        if kept.exists():
            content = kept.read_bytes()
        else:
            format = importlib.import_module(module).FORMATS[name]
            case = Bench(format, context.folder / name, context.seed).case(row["index"])
            row["file"], content = case.name, case.content
        found[f"{name}-{row['index']}"] = np.frombuffer(content, np.uint8)
    return found


def _enter(row: Format) -> None:
    scenario(
        f"file-{row.name}",
        what=f"{row.name}: {QUICK:,} damaged files, {FULL:,} in full",
        expected="each is read or refused in one sentence, in bounded time and memory, and no file is lost",
    )(partial(damage, name=row.name))


for _row in FORMATS.values():
    _enter(_row)
