"""Run one checker over many files in a separate process.

    for found in run("cs231n", paths): found.complaints         {"layer in eval": "ValueError: relative error 1.0e+00"}

Every exception of a checker or of the checked code is a complaint, and so is a timeout after LIMIT or a crash.
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

CHECKERS = {
    "kit": ("nnlaw conformance", "nnlaw"),
    "torch_gradcheck": ("PyTorch gradcheck", "torch"),
    "jax_check_grads": ("JAX check_grads", "jax"),
    "autograd_check_grads": ("autograd check_grads", "autograd"),
    "cs231n": ("CS231n numerical gradient, above 1e-2", "numpy"),
    "cs231n_stricter": ("CS231n numerical gradient, above 1e-4", "numpy"),
    "sklearn_check_estimator": ("scikit-learn check_estimator", "scikit-learn"),
}
"""For each file of this folder: the checker's display name and its distribution."""
LIMIT = 120  # seconds for one file
MISSING = 3  # exit code of a process whose checker can't be imported


@dataclass
class Found:
    """The result of one checker on one file. `harnesses` lists how it was applied; `refused` is why it could not be."""

    file: str
    kind: str = ""
    harnesses: list[str] = field(default_factory=list)
    complaints: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    seconds: float = 0.0


class TimedOut(Exception):
    """Checking a file took too long."""


def run(checker: str, paths: list[Path]) -> Iterator[Found]:
    """The result of `checker` for each file, in order. Raises ModuleNotFoundError if its package is not installed."""
    left = list(paths)
    while left:  # after a crash, continue with the next file
        command = [sys.executable, str(Path(__file__).parent), "--work", checker, *map(str, left)]
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **one_thread}
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("{"):
                    yield Found(**json.loads(line))
                    left.pop(0)
        if left:
            died = f"the process ended with code {process.returncode}"
            if process.returncode == MISSING:
                raise ModuleNotFoundError(f"{checker}: pip install -r benchmarks/comparison/requirements.txt")
            yield Found(str(left.pop(0)), harnesses=["process"], complaints={"process": died})


def work(checker: str, paths: list[str]) -> int:
    """In the separate process: print a line of JSON per file. Returns MISSING if the checker's package is missing."""
    out, sys.stdout = sys.stdout, sys.stderr  # keep what the checked code prints out of the results
    try:
        from nnlaw._names import install

        module = importlib.import_module(checker)
    except ModuleNotFoundError as missing:
        print(missing)
        return MISSING
    install()  # the files import nn and spec
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _timeout)
    for path in paths:
        print(json.dumps(asdict(look(module, Path(path)))), file=out, flush=True)
    return 0


def look(module: Any, path: Path) -> Found:
    """Apply one checker to the one unit of a file."""
    import numpy as np

    from nnlaw.nn.verify.targets import units_in_file
    from nnlaw.spec.violation import BadInput

    found, start = Found(str(path)), time.perf_counter()
    try:
        (record,) = units_in_file(path)
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
        if harness not in found.harnesses:
            found.harnesses.append(harness)
        try:
            check()
        except (Exception, SystemExit) as error:
            _complain(found, harness, error)


def _complain(found: Found, harness: str, error: BaseException) -> None:
    if harness not in found.harnesses:
        found.harnesses.append(harness)
    message = str(error).strip().partition("\n")[0]  # the rest may be a traceback with local paths
    found.complaints[harness] = f"{type(error).__name__}: {message}"[:120]


def _timeout(number: int, frame: FrameType | None) -> None:
    raise TimedOut(f"timed out after {LIMIT} s")
