"""Use a run that brings its own plugins without trusting them: they are imported in a process with limits.

    with isolated(run.folder, settings.plugins, trust=False) as process:      None if there is nothing to isolate
        reader = Predictor(run, open_model=process and process.open_model)

That process is in the sandbox of docs/security.md. What it sends is data of unknown origin: it is checked here, and
what can be computed from it, such as an accuracy, is computed here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nnlaw._child import can_start
from nnlaw.nn.core.regular_file import read_regular
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.trust import own_plugins
from nnlaw.nn.runs.isolated_requests import REPEATED
from nnlaw.nn.verify.process import SubjectProcess
from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.remote_error import RemoteError, RemoteExit
from nnlaw.spec.subjects.remote_subject import SubjectEnded
from nnlaw.spec.violation import BadInput, Violation

STARTUP = 60.0  # seconds for the process to start on a busy machine
MAX_FILE = 2**26  # bytes of a file that a training writes there
NUMBERS = ("loss", "train_accuracy", "val_loss", "val_cross_entropy", "val_accuracy")  # in the row of an epoch
NEEDED = {"landlock"}  # the mechanism that keeps the plugins from writing files


@contextmanager
def isolated(folder: Path, plugins: Sequence[str], trust: bool) -> Iterator[IsolatedRun | None]:
    """A process for the plugins of a run; None if there are no plugins, or they are trusted.

    Raises BadInput if the system has no sandbox, or the process ends or sends something that is not expected.
    """
    if not own_plugins(folder, plugins) or trust:
        yield None
        return
    hint = "if you trust its author, add --trust"
    if not can_start():
        raise BadInput(f"{folder} brings its own code, and this system has no sandbox for it; {hint}")
    with SubjectProcess() as process:
        run = IsolatedRun(folder, process)
        try:
            process.allow(STARTUP)
            process.connection.request("open", None, {})
            process.allow(math.inf)
            if not process.sandbox() >= NEEDED:
                raise BadInput(f"{folder} brings its own code, and this system has no sandbox for it; {hint}")
            yield run
        except SubjectEnded as error:
            place = f"{process.place}: " if process.place else ""
            reason = str(error).removeprefix("it ")
            raise BadInput(f"{folder}: {place}its own code {reason}; it ran in a sandbox, {hint}") from None


class IsolatedRun:
    """The plugins of a run in a process of their own. Methods raise BadInput if what they get is not as expected."""

    def __init__(self, folder: Path, process: SubjectProcess) -> None:
        self.folder, self.process = folder, process

    def request(self, operation: str, **arguments: Any) -> Any:
        """The result of one request to nn/runs/isolated_requests.py."""
        try:
            return self.process.connection.request("open", None, {"run": operation, **arguments})
        except (RemoteError, RemoteExit) as error:
            places = [f"{each.path}:{each.line}" for each in error.frames if self._is_own(each.path)]
            place = places[-1] if places else self.folder
            raise BadInput(f"{place}: {type(error).__name__}: {error}") from None

    def open_model(self, run: Run, which: str) -> IsolatedRun:
        """Import the plugins and load the weights; `predict` is then that of the network."""
        self.request("model", folder=_encoded(run.folder), which=which)
        return self

    def predict(self, x: Array) -> Array:
        """The probabilities (N, C) of a batch."""
        return self._probabilities(self.request("predict", x=x), len(x))

    def replay(self, folder: Path) -> Violation | None:
        """Repeat a recorded failure; the law that fails, if it fails again."""
        found = self.request("replay", folder=_encoded(folder))
        return None if found is None else self._violation(found)

    def prepare(self, data: str) -> int:
        """Prepare the training of the run on the data at a path; the steps of an epoch."""
        steps = self.request("prepare", folder=_encoded(self.folder), data=_encoded(data) if data else "")
        return steps if type(steps) is int and steps > 0 else self._unexpected()

    def epoch(self, number: int) -> dict[str, Any]:
        """Train an epoch; its metrics. Raises Violation if a law fails."""
        row = self.request("epoch", number=number)
        if isinstance(row, dict) and "violation" in row:
            raise self._violation(row["violation"])
        metrics = row.get("metrics", {}) if isinstance(row, dict) else None
        if not isinstance(metrics, dict) or not all(isinstance(value, float) for value in metrics.values()):
            self._unexpected()
        found = {name: row[name] for name in NUMBERS if isinstance(row.get(name), float)}
        if not {"loss", "train_accuracy"} <= set(found):
            self._unexpected()
        return {"epoch": number, **found, "metrics": {str(name): value for name, value in metrics.items()}}

    def test_probabilities(self, count: int) -> Array:
        """The probabilities of the first `count` test images, computed by the trained network."""
        return self._probabilities(self.request("test_probabilities", count=count), count)

    def read(self, name: str) -> bytes:
        """A file of the run that is trained."""
        folder = self.process.child.folder
        file = folder / REPEATED / name
        if not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):  # a link, or a pipe
            self._unexpected()
        return read_regular(file, MAX_FILE)

    def _is_own(self, path: str) -> bool:
        return Path(path).is_relative_to(os.path.abspath(self.folder))

    def _probabilities(self, found: Any, count: int) -> Array:
        if not (isinstance(found, np.ndarray) and found.dtype.kind == "f" and found.ndim == 2 and len(found) == count):
            self._unexpected()
        return np.array(found)

    def _violation(self, data: Any) -> Violation:
        try:
            found = Violation.from_dict(data)
            texts = (found.law, found.actual, found.expected, found.array, found.cause, found.location.file)
            return found if all(isinstance(text, str) for text in texts) and found.message else self._unexpected()
        except (KeyError, TypeError, ValueError, AttributeError):
            return self._unexpected()

    def _unexpected(self) -> NoReturn:
        raise BadInput(f"{self.folder}: its own code sent something else than a result, expected numbers")


def _encoded(path: Path | str) -> bytes:
    """An absolute path as bytes: it is not a text if it is not UTF-8."""
    return os.fsencode(os.path.abspath(path))
