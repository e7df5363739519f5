"""Check files, modules and built-in plugins, each in a worker process that bounds hangs, crashes and exits.

    result = check_target({"file": "mine.py"})
    result.reports      one report per unit, as in `nn verify --json`
    result.printed      what the code under test printed
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
from typing import IO, Any

from nnlaw.nn.verify.subprocesses import GRACE, environment, kill, signal_name, wait_for
from nnlaw.spec.locations import CHECKOUT, PACKAGE
from nnlaw.spec.report import Report
from nnlaw.spec.violation import relative_to_cwd

MAX_OUTPUT = 20_000  # characters kept of what the code under test prints
STARTUP = 30.0  # seconds for a worker to start on a busy machine, not counted toward the timeout
FRAME = re.compile(r'File "(?P<file>.+)", line (?P<line>\d+) in')

Target = dict[str, str]
"""What to check: {"file": path}, {"module": name}, {"name": plugin} or {"kind": kind}."""


@dataclass
class TargetResult:
    """The result of one target: a report per unit, and what the code under test printed."""

    target: Target
    reports: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""

    @property
    def name(self) -> str:
        """The file, module or plugin as the user named it."""
        return next(iter(self.target.values()))


@dataclass(frozen=True)
class CheckOptions:
    """Codes of the laws to check (all if empty), random seed, and seconds allowed for the import and for each unit."""

    laws: tuple[str, ...] = ()
    seed: int = 0
    timeout: float = 60.0


@dataclass(frozen=True)
class _WorkerRun:
    """The events of one worker, how it failed (place and message, empty if it did not), and what it printed."""

    events: list[dict[str, Any]]
    place: str
    failure: str
    printed: str

    def message(self, label: str, name: str) -> str:
        """`mine.py:5: layer swish: timed out after 10 s`; the label already begins with a place."""
        return f"{self.place}: {name}{self.failure}" if self.place else f"{label}: {self.failure}"


def check_targets(targets: list[Target], options: CheckOptions, jobs: int = 1) -> Iterator[TargetResult]:
    """The result of each target, in order; `jobs` run in parallel."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield from pool.map(lambda target: check_target(target, options, stop), targets)
        finally:
            stop.set()  # if interrupted, running workers are stopped


def check_target(
    target: Target, options: CheckOptions | None = None, stop: threading.Event | None = None
) -> TargetResult:
    """Check one target in a worker, which ends when `stop` is set.

    If the worker dies while it checks a unit, that unit's report is an error, and a new worker checks the rest.
    """
    options, stop = options or CheckOptions(), stop or threading.Event()
    result, skip = TargetResult(target), 0
    while True:
        run = _run_worker(target, options, skip, stop)
        result.printed = (result.printed + run.printed)[:MAX_OUTPUT]
        plan: list[dict[str, str]] = next((event["plan"] for event in run.events if "plan" in event), [])
        refusal = next((event["error"] for event in run.events if "error" in event), "")
        if refusal or (run.failure and not plan):
            reason = refusal or run.message(result.name, "")
            internal = any(event.get("internal") for event in run.events)
            result.reports.append(_error(Path(result.name).stem, "file", reason, internal))
            return result
        reports = _reports(run.events)
        if run.failure:
            skip = max((event["start"] for event in run.events if "start" in event), default=skip)
            unit = plan[skip]
            reason = run.message(unit["label"], f"{unit['kind']} {unit['name']}: ")
            reports[skip] = _error(unit["name"], unit["kind"], reason)  # even if its report was finished
            skip += 1
        result.reports += reports.values()
        if not run.failure or skip >= len(plan) or stop.is_set():
            return result


def _reports(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The reports by the unit's place in the plan. Units without a requested law have no report."""
    found: dict[int, dict[str, Any]] = {}
    current = -1
    for event in events:
        current = event.get("start", current)
        if "report" in event:
            found[current] = event["report"]
    return found


def _error(name: str, kind: str, reason: str, internal: bool = False) -> dict[str, Any]:
    return Report(name, kind, reason=reason, internal=internal).to_dict()


def _run_worker(target: Target, options: CheckOptions, skip: int, stop: threading.Event) -> _WorkerRun:
    """Run one worker on the target, without the first `skip` units."""
    with tempfile.TemporaryDirectory(prefix="nn-verify-") as folder:
        journal, request = Path(folder, "journal"), Path(folder, "request")
        journal.touch()
        content = {"target": target, "laws": list(options.laws), "seed": options.seed, "skip": skip}
        request.write_text(json.dumps(content), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nnlaw.nn.verify.worker", str(journal), str(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            bufsize=0,
            stderr=subprocess.STDOUT,
            env=environment() | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        assert process.stdout is not None
        reader = _OutputReader(process.stdout)
        try:
            on_time = wait_for(process, options.timeout, journal, STARTUP, stop)
        finally:
            kill(process)
        printed = reader.text()
        lines = journal.read_text(encoding="utf-8", errors="replace").splitlines()
    events = list(_events(lines))
    timeout = 0 if on_time else options.timeout
    place, failure = _failure(process.returncode, timeout, events, lines)
    return _WorkerRun(events, place, failure, printed)


def _events(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:  # a stack, or a line that was cut off when the worker died
            continue


def _failure(code: int, timeout: float, events: list[dict[str, Any]], lines: list[str]) -> tuple[str, str]:
    """Where and how a worker failed; the place is empty if it is not known, both if the worker finished."""
    exits = [event["exit"] for event in events if "exit" in event]
    if timeout:
        return _place(lines), f"timed out after {timeout:g} s"
    if exits:
        return relative_to_cwd(exits[-1]), "called os._exit"
    if code < 0:
        return _place(lines), f"crashed the interpreter ({signal_name(code)})"
    finished = any("done" in event for event in events)
    return "", "" if finished else f"ended the interpreter with exit code {code}"


def _place(lines: list[str]) -> str:
    """The innermost frame of the recorded stack that belongs to neither Python, installed packages nor this package."""
    own = (str(PACKAGE), str(CHECKOUT / "spec"), str(CHECKOUT / "nn"), str(Path(os.__file__).parent))
    for line in lines:
        found = FRAME.search(line)
        if found and not found["file"].startswith((*own, "<")) and "site-packages" not in found["file"]:
            return f"{relative_to_cwd(found['file'])}:{found['line']}"
    return ""


class _OutputReader:
    """Reads all that a process prints, and keeps the beginning.

    Detached children of the process may keep the pipe open; they are not waited for.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe, self.kept, self.dropped = pipe, bytearray(), 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        """Read to the end, so that the process never waits for a full pipe."""
        with self.pipe:  # closed in this thread: closing it in another would wait for the read
            while chunk := self.pipe.read(65536):
                room = max(0, MAX_OUTPUT - len(self.kept))
                self.kept += chunk[:room]
                self.dropped += len(chunk[room:])

    def text(self) -> str:
        """The beginning of the output, with a note of how much was left out."""
        self.thread.join(GRACE)
        more = f"\n... and {self.dropped:,} more bytes\n" if self.dropped else ""
        return self.kept.decode(errors="replace") + more
