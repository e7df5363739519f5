"""What a process with limits does for a run that brings its own plugins. nn/verify/isolated_run.py sends the requests.

    handle({"run": "model", "folder": "/home/me/runs/a", "which": "last"})      import the plugins, load the weights
    handle({"run": "predict", "x": x})                                          probabilities (N, C)

A training writes its run folder into the current folder, from where the other process reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.runs.predictor import load_model
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Violation

REPEATED = "repeated"  # the run folder of a training, in the current folder
_opened: dict[str, Any] = {}
"""The model, or the session of a training, which later requests use."""


def handle(request: dict[str, Any]) -> Any:
    """The result of one request."""
    arguments = dict(request)
    return OPERATIONS[arguments.pop("run")](**arguments)


def _model(folder: str, which: str) -> None:
    _opened["model"] = load_model(Run(Path(folder)), which)


@np.errstate(all="ignore")
def _predict(x: Array) -> Array:
    return np.asarray(_opened["model"].predict(x))


def _replay(folder: str) -> dict[str, Any] | None:
    found = replay(Path(folder))
    return found.to_dict() if found else None


def _prepare(folder: str, data: str) -> int:
    """Prepare the training of a run; return the number of steps of an epoch."""
    settings = replace(read_run_settings(Path(folder)), data=data)
    session = _opened["session"] = prepare(settings)
    Path(REPEATED).mkdir()
    return session.steps_per_epoch


def _epoch(number: int) -> dict[str, Any]:
    """Train one more epoch; return its metrics, or the violation of a law that fails."""
    session: Session = _opened["session"]
    try:
        session.train(Run(Path(REPEATED)), SilentReporter(), number)
    except Violation as violation:
        return {"violation": violation.to_dict()}
    return dict(session.epochs[-1])


@np.errstate(all="ignore")
def _test_probabilities(count: int) -> Array:
    """The probabilities of the first test images, of all if `count` is 0."""
    session: Session = _opened["session"]
    return np.asarray(session.model.predict(session.split.x_test[: count or None]))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "model": _model,
    "predict": _predict,
    "replay": _replay,
    "prepare": _prepare,
    "epoch": _epoch,
    "test_probabilities": _test_probabilities,
}
