"""Judges files, modules and built-in plugins, each in a worker process that bounds hangs, crashes and exits.

    outcome = judge_target({"file": "mine.py"})
    outcome.reports      a dict per plugin, as in `nn verify --json`
    outcome.printed      what the plugin printed
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlaw.nn.verify.subprocesses import GRACE, ended, environment, kill, signal_name
from nnlaw.spec.locations import CHECKOUT, PACKAGE

KEPT = 20_000  # characters of what a plugin prints
STARTUP = 30.0  # seconds granted to a worker, on a busy machine, before the plugin's own time begins
FRAME = re.compile(r'File "(?P<file>.+)", line (?P<line>\d+) in')

Target = dict[str, str]


@dataclass
class TargetResult:
    """What came of one target: a report per plugin, and what was printed."""

    target: Target
    reports: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""

    @property
    def name(self) -> str:
        """The file, module or plugin as it was asked for."""
        return next(iter(self.target.values()))


@dataclass(frozen=True)
class CheckOptions:
    """On what terms targets are judged."""

    laws: tuple[str, ...] = ()
    seed: int = 0
    timeout: float = 60.0


def check_targets(targets: list[Target], terms: CheckOptions, jobs: int = 1) -> Iterator[TargetResult]:
    """The outcome of each target, in order, `jobs` at a time."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield from pool.map(lambda target: check_target(target, terms, stop), targets)
        finally:
            stop.set()  # interrupted: the workers that still run are stopped, not waited for


def check_target(
    target: Target, terms: CheckOptions | None = None, stop: threading.Event | None = None
) -> TargetResult:
    """Judge one target in a worker, which ends once `stop` is set. Where it dies over a plugin, the plugins after it
    get a new one."""
    stop = stop or threading.Event()
    outcome, skip = TargetResult(target), 0
    while True:
        events, ending, printed = _work(target, terms or CheckOptions(), skip, stop)
        outcome.printed = (outcome.printed + printed)[:KEPT]
        plan: list[dict[str, str]] = next((e["plan"] for e in events if "plan" in e), [])
        reports = _reports(events)
        refused = [event["error"] for event in events if "error" in event]
        if refused or (ending and not plan):
            outcome.reports.append(_error(outcome.name, "file", refused[0] if refused else f"{outcome.name}: {ending}"))
            return outcome
        if ending:
            skip = max((event["start"] for event in events if "start" in event), default=skip)
            last = plan[skip]
            reports[skip] = _error(last["name"], last["kind"], f"{last['label']}: {ending}")  # also where it was judged
            skip += 1
        outcome.reports += reports.values()
        if not ending or skip >= len(plan) or stop.is_set():
            return outcome


def _reports(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The report of each plugin by its place in the plan; one that no law asked for judges has none."""
    found: dict[int, dict[str, Any]] = {}
    at = -1
    for event in events:
        at = event.get("start", at)
        if "report" in event:
            found[at] = event["report"]
    return found


def _error(name: str, kind: str, reason: str) -> dict[str, Any]:
    name = Path(name).stem if kind == "file" else name
    return {"name": name, "kind": kind, "outcome": "error", "reason": reason, "laws": [], "violations": []}


def _work(
    target: Target, terms: CheckOptions, skip: int, stop: threading.Event
) -> tuple[list[dict[str, Any]], str, str]:
    """One worker's events, how it died if it did, and what was printed."""
    with tempfile.TemporaryDirectory(prefix="nn-verify-") as folder:
        journal, request = Path(folder, "journal"), Path(folder, "request")
        journal.touch()
        asked = {"target": target, "laws": list(terms.laws), "seed": terms.seed, "skip": skip}
        request.write_text(json.dumps(asked), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlaw.nn.verify.worker", str(journal), str(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
            stderr=subprocess.STDOUT,
            env=environment() | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        reader = _Reader(process)
        try:
            late = not ended(process, terms.timeout, journal, STARTUP, stop)
        finally:
            kill(process)
        printed = reader.text()
        lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    events = list(_events(lines))
    return events, _ending(process.returncode, late, events, lines, terms), printed


def _events(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # a dumped stack, or a line that death cut short
            continue


def _ending(code: int, late: bool, events: list[dict[str, Any]], lines: list[str], terms: CheckOptions) -> str:
    """How a worker died, with file and line where they are known; "" where it ended well."""
    exits = [event["exit"] for event in events if "exit" in event]
    if late:
        return f"it did not end within {terms.timeout:g} s{_place(lines)}"
    if exits:
        file, _, line = exits[-1].rpartition(":")
        return f"it ended the interpreter by os._exit, at {Path(file).name}:{line}"
    if code < 0:
        return f"it crashed the interpreter ({signal_name(code)}){_place(lines)}"
    done = any("done" in event for event in events)
    return "" if done else f"it ended the interpreter with exit code {code}"


def _place(lines: list[str]) -> str:
    """The innermost frame of the dumped stack that is not Python's own, NumPy's or ours."""
    own = (str(PACKAGE), str(CHECKOUT / "spec"), str(CHECKOUT / "nn"), str(Path(os.__file__).parent))
    for line in lines:
        found = FRAME.search(line)
        if found and not found["file"].startswith((*own, "<")) and "site-packages" not in found["file"]:
            return f", at {Path(found['file']).name}:{found['line']}"
    return ""


class _Reader:
    """Reads all that a process prints, and keeps the beginning. What the process started apart from itself may go on
    printing: nobody waits for that."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.kept, self.dropped = bytearray(), 0
        self.pipe: Any = process.stdout
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        """Until the end, so that the process never waits for a full pipe."""
        with self.pipe:  # closed here: closing it elsewhere would wait for this read
            while chunk := self.pipe.read(65536):
                room = max(0, KEPT - len(self.kept))
                self.kept += chunk[:room]
                self.dropped += len(chunk[room:])

    def text(self) -> str:
        """What was kept, with a note of how much more there was."""
        self.thread.join(GRACE)
        more = f"\n... and {self.dropped:,} bytes more\n" if self.dropped else ""
        return self.kept.decode(errors="replace") + more
