"""Runs one checker over many plugin files, in one process of its own at a time.

    for found in run("cs231n", paths): found.complaints         {"layer in eval": "ValueError: relative error 1.0e+00"}

Whatever a checker or a plugin raises is a complaint, and so is what does not end within LIMIT or kills the process.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

CHECKERS = (
    "kit", "torch_gradcheck", "jax_check_grads", "autograd_check_grads", "cs231n", "sklearn_check_estimator"
)
LIMIT = 120  # seconds for one harness


@dataclass
class Found:
    """What one checker said of one file. `harnesses` lists what it was pointed at, `refused` why it could not be."""

    file: str
    kind: str = ""
    harnesses: list[str] = field(default_factory=list)
    complaints: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    seconds: float = 0.0


class Late(Exception):
    """A harness did not end in time."""


def run(checker: str, paths: list[Path]) -> Iterator[Found]:
    """What `checker` says of each file, in order; where the process dies, the file that it died of, and on."""
    left = list(paths)
    while left:
        command = [sys.executable, str(Path(__file__).parent), "--work", checker, *map(str, left)]
        one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **one}) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    yield Found(**json.loads(line))
                    left.pop(0)
        if left:
            died = f"the process ended with code {process.returncode}"
            if len(left) == len(paths) and process.returncode == 3:
                raise ModuleNotFoundError(checker)
            yield Found(str(left.pop(0)), "?", ["process"], {"process": died})


def work(checker: str, paths: list[str]) -> int:
    """In the process of its own: a line of JSON for each file. Exit code 3 where the checker's package is missing."""
    out, sys.stdout = sys.stdout, sys.stderr  # what plugins print is nobody's data
    try:
        module = importlib.import_module(checker)
    except ModuleNotFoundError as missing:
        print(missing)
        return 3
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _late)
    for path in paths:
        print(json.dumps(asdict(look(module, Path(path)))), file=out, flush=True)
    return 0


def look(module: Any, path: Path) -> Found:
    """Point one checker at the one plugin of a file."""
    import numpy as np

    from nn.judging import file_records
    from spec.violation import BadInput

    found, start = Found(str(path)), time.perf_counter()
    try:
        (record,) = file_records(path)
        found.kind = record.kind
        if record.kind in module.KINDS:
            np.random.seed(0)
            signal.alarm(LIMIT)
            with np.errstate(all="ignore"):
                _look(module.harnesses(record), found)
    except BadInput as reason:
        found.refused = str(reason)
    except (Exception, SystemExit) as error:
        _complain(found, "building it", error)
    finally:
        signal.alarm(0)
    found.seconds = time.perf_counter() - start
    return found


def _look(harnesses: Iterator[Any], found: Found) -> None:
    for harness, check in harnesses:
        found.harnesses.append(harness)
        try:
            check()
        except (Exception, SystemExit) as error:
            _complain(found, harness, error)


def _complain(found: Found, harness: str, error: BaseException) -> None:
    if harness not in found.harnesses:
        found.harnesses.append(harness)
    found.complaints[harness] = f"{type(error).__name__}: {error}"[:300]


def _late(number: int, frame: FrameType | None) -> None:
    raise Late(f"not done after {LIMIT} s")
