"""Judges files, modules and built-in plugins, each in a worker process that bounds hangs, crashes and exits.

    outcome = judge_target({"file": "mine.py"})
    outcome.reports      a dict per plugin, as in `nn verify --json`
    outcome.printed      what the plugin printed
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = 20_000  # characters of what a plugin prints
STARTUP = 30.0  # seconds granted to a worker, on a busy machine, before the plugin's own time begins
GRACE = 3.0  # seconds between asking a worker to show its stack and killing it
FRAME = re.compile(r'File "(?P<file>.+)", line (?P<line>\d+) in')

Target = dict[str, str]


@dataclass
class Outcome:
    """What came of one target: a report per plugin, and what was printed."""

    target: Target
    reports: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""

    @property
    def name(self) -> str:
        """The file, module or plugin as it was asked for."""
        return next(iter(self.target.values()))


@dataclass(frozen=True)
class Terms:
    """On what terms targets are judged."""

    laws: tuple[str, ...] = ()
    seed: int = 0
    timeout: float = 60.0


def judge_targets(targets: list[Target], terms: Terms, jobs: int = 1) -> Iterator[Outcome]:
    """The outcome of each target, in order, `jobs` at a time."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            yield from pool.map(lambda target: judge_target(target, terms, stop), targets)
        finally:
            stop.set()  # interrupted: the workers that still run are stopped, not waited for


def judge_target(target: Target, terms: Terms | None = None, stop: threading.Event | None = None) -> Outcome:
    """Judge one target in a worker, which ends once `stop` is set. Where it dies over a plugin, the plugins after it
    get a new one."""
    stop = stop or threading.Event()
    outcome, skip = Outcome(target), 0
    while True:
        events, ending, printed = _work(target, terms or Terms(), skip, stop)
        outcome.printed = (outcome.printed + printed)[:KEPT]
        plan: list[dict[str, str]] = next((e["plan"] for e in events if "plan" in e), [])
        outcome.reports += [event["report"] for event in events if "report" in event]
        refused = [event["error"] for event in events if "error" in event]
        if refused or (ending and not plan):
            outcome.reports.append(_error(outcome.name, "file", refused[0] if refused else f"{outcome.name}: {ending}"))
        elif ending:
            last = max((event["start"] for event in events if "start" in event), default=skip)
            outcome.reports.append(_error(plan[last]["name"], plan[last]["kind"], f"{plan[last]['label']}: {ending}"))
            skip = last + 1
            if skip < len(plan) and not stop.is_set():
                continue
        return outcome


def _error(name: str, kind: str, because: str) -> dict[str, Any]:
    name = Path(name).stem if kind == "file" else name
    return {"name": name, "kind": kind, "verdict": "error", "because": because, "laws": [], "violations": []}


def _work(
    target: Target, terms: Terms, skip: int, stop: threading.Event
) -> tuple[list[dict[str, Any]], str, str]:
    """One worker's events, how it died if it did, and what was printed."""
    with tempfile.TemporaryDirectory(prefix="nn-verify-") as folder:
        journal, request = Path(folder, "journal"), Path(folder, "request")
        journal.touch()
        asked = {"target": target, "laws": list(terms.laws), "seed": terms.seed, "skip": skip}
        request.write_text(json.dumps(asked), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nn.worker", str(journal), str(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        reader = _Reader(process)
        try:
            late = _await(process, journal, terms.timeout, stop)
        finally:
            _kill(process)
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


def _environment() -> dict[str, str]:
    """The same Python, with nn where it is found now, and one thread, which is faster on small arrays."""
    here = str(Path(__file__).resolve().parents[1])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**os.environ, **one, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _await(process: subprocess.Popen[bytes], journal: Path, timeout: float, stop: threading.Event) -> bool:
    """Wait until the worker ends; whether one of its steps took longer than `timeout`, and it was stopped."""
    size, began = -1, time.monotonic()
    while process.poll() is None and not stop.is_set():
        if journal.stat().st_size != size:
            size, began = journal.stat().st_size, time.monotonic()
        if time.monotonic() - began > (timeout if size else timeout + STARTUP):
            if hasattr(os, "killpg"):
                process.send_signal(signal.SIGABRT)  # its stack goes into the journal
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
            return True
        time.sleep(0.02)
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The worker and whatever it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


def _ending(code: int, late: bool, events: list[dict[str, Any]], lines: list[str], terms: Terms) -> str:
    """How a worker died, with file and line where they are known; "" where it ended well."""
    exits = [event["exit"] for event in events if "exit" in event]
    if late:
        return f"it did not end within {terms.timeout:g} s{_place(lines)}"
    if exits:
        file, _, line = exits[-1].rpartition(":")
        return f"it ended the interpreter by os._exit, at {Path(file).name}:{line}"
    if code < 0:
        return f"it crashed the interpreter ({signal.Signals(-code).name}){_place(lines)}"
    done = any("done" in event for event in events)
    return "" if done else f"it ended the interpreter with exit code {code}"


def _place(lines: list[str]) -> str:
    """The innermost frame of the dumped stack that is not Python's own, NumPy's or ours."""
    own = (str(Path(__file__).parent), str(Path(__file__).parents[1] / "spec"), str(Path(os.__file__).parent))
    for line in lines:
        found = FRAME.search(line)
        if found and not found["file"].startswith((*own, "<")) and "site-packages" not in found["file"]:
            return f", at {Path(found['file']).name}:{found['line']}"
    return ""


class _Reader:
    """Reads all that a process prints, and keeps the beginning."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.kept, self.dropped = bytearray(), 0
        self.pipe: Any = process.stdout
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self) -> None:
        """Until the end, so that the process never waits for a full pipe."""
        while chunk := self.pipe.read1(65536):
            room = max(0, KEPT - len(self.kept))
            self.kept += chunk[:room]
            self.dropped += len(chunk[room:])

    def text(self) -> str:
        """What was kept, with a note of how much more there was."""
        self.thread.join(GRACE)
        self.pipe.close()
        more = f"\n... and {self.dropped:,} bytes more\n" if self.dropped else ""
        return self.kept.decode(errors="replace") + more
