"""The process that reads damaged files: `python -m nnlaw.nn.stress.fuzzing.fuzz_worker JOURNAL REQUEST`, two files.

REQUEST is JSON: {"module", "format", "seed", "first", "count", "seconds", "memory", "work"}. JOURNAL receives one line
of JSON before each damaged file is read and one after, so that the last line shows which file the process failed on.
The system limits memory and processor time: too large an allocation raises MemoryError, and too long a computation
gets SIGXCPU.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nnlaw.nn.run_folder.metadata
from nnlaw.nn.core.peak_memory import peak
from nnlaw.nn.stress.fuzzing.fuzz_trial import FAULTS, FuzzTrial, ReadResult


class Journal:
    """Lines of JSON, each flushed before the next step."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", encoding="utf-8")

    def write(self, **event: Any) -> None:
        """Append one event."""
        self.file.write(json.dumps(event) + "\n")
        self.file.flush()


def main(journal_file: str, request_file: str) -> None:
    """Read the damaged files that the request names."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    journal, work = Journal(Path(journal_file)), Path(request["work"])
    format = importlib.import_module(request["module"]).FORMATS[request["format"]]
    faulthandler.enable(journal.file)  # a crash, and the parent's SIGABRT, write the stack there
    (work / "tmp").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(work / "tmp")
    trial = FuzzTrial(format, work, request["seed"])
    os.chdir(work / "here")
    os.fsync = lambda fd: None  # disk and git are not checked here: don't wait for them
    nnlaw.nn.run_folder.metadata.revision = lambda checkout: ""
    trial.check_valid_files()
    renew_time = _set_limits(journal, request["memory"], request["seconds"])
    journal.write(ready=True)
    known: list[ReadResult] = []
    for index in range(request["first"], request["count"]):
        renew_time()
        damaged = trial.damaged_file(index)
        journal.write(start=index)
        found = trial.read(damaged)
        event: dict[str, Any] = {"case": index, "outcome": found.outcome}
        if found.outcome in FAULTS:
            fields = {"text": found.text, "where": found.location, "exception": found.exception}
            event |= {"file": damaged.name, **fields}
            if not any(found.same_fault(row) for row in known):
                known.append(found)
                small = trial.minimize(damaged, found)
                (work / f"case-{index}.bytes").write_bytes(small.content)
                trial.around[f"case-{index}.bytes"] = small.content
        journal.write(**event)
    journal.write(done=True, peak_mb=round(peak()))


def _set_limits(journal: Journal, memory: int, seconds: int) -> Callable[[], None]:
    """Limit the memory of this process. The returned function allows `seconds` more of processor time."""
    import resource

    faulthandler.register(signal.SIGXCPU, journal.file, all_threads=False, chain=True)
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
