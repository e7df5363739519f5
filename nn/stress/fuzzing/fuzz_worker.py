"""The process in which damaged files are read: `python -m ...fuzz_worker JOURNAL REQUEST`, both files.

REQUEST is JSON: {"module", "format", "seed", "first", "count", "seconds", "memory", "work"}. For every case there is a
line in JOURNAL before the file is read and one after, so that the last line tells which case the process died of.
Memory and time are bounded by the system: an allocation too many is a MemoryError, a second of computing too many ends
the process.
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
from nnlaw.nn.stress.fuzzing.fuzz_trial import FAULTS, Bench, ReadResult, alike
from nnlaw.nn.verify.worker import Journal


def main(journal_file: str, request_file: str) -> None:
    """Judge the cases that the request names."""
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    journal, work = Journal(Path(journal_file)), Path(request["work"])
    format = importlib.import_module(request["module"]).FORMATS[request["format"]]
    faulthandler.enable(journal.file)  # a crash, and the parent's SIGABRT, leave the stack there
    (work / "tmp").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(work / "tmp")
    bench = Bench(format, work, request["seed"])
    os.chdir(work / "here")
    os.fsync = lambda fd: None  # neither disk nor git is judged here: don't wait for them
    nnlaw.nn.run_folder.metadata.revision = lambda checkout: ""
    bench.check_valid_files()
    bound = _bounds(journal, request["memory"], request["seconds"])
    journal.write(ready=True)
    known: list[ReadResult] = []
    for index in range(request["first"], request["count"]):
        bound()
        case = bench.case(index)
        journal.write(start=index)
        found = bench.read_damaged(case)
        event: dict[str, Any] = {"case": index, "outcome": found.outcome}
        if found.outcome in FAULTS:
            event |= {"file": case.name, "text": found.text, "where": found.location}
            if not any(alike(found, row) for row in known):
                known.append(found)
                small = bench.smallest(case, found)
                (work / f"case-{index}.bytes").write_bytes(small.content)
                bench.around[f"case-{index}.bytes"] = small.content
        journal.write(**event)
    journal.write(done=True, peak_mb=round(peak()))


def _bounds(journal: Journal, memory: int, seconds: int) -> Callable[[], None]:
    """Bound the memory of this process; the function that is returned grants `seconds` of computing anew."""
    import resource

    faulthandler.register(signal.SIGXCPU, journal.file, all_threads=False, chain=True)
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    return lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])
