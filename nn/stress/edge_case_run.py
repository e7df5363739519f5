"""What a row of the edge-case matrix goes through: a whole training, or one step beside its twin in float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.reporter import Silent
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.core.state_dict import put
from nnlaw.nn.run_folder.folder import Run, read_arrays
from nnlaw.nn.training.build import build_model, load_plugins, make_trainer
from nnlaw.nn.training.session import prepare
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.violation import BadInput, Violation

CLASSES = 10
SAVED = ("weights.safetensors", "best.safetensors")


@dataclass(frozen=True)
class Answer:
    """How it ended: the law that spoke, or a refusal, or neither; whether the weights left behind are finite; and how
    far loss and gradients lie from those of float64."""

    text: str = ""
    law: str = ""
    refused: bool = False
    violation: Violation | None = None
    finite: bool = True
    error: float = 0.0

    @property
    def told(self) -> str:
        """The answer in one line."""
        said = self.text.split("\n")[0]
        return said if self.finite else f"{said}; weights that are not finite were left behind"


def _refusal(error: Violation | BadInput) -> Answer:
    if isinstance(error, Violation):
        return Answer(error.message, error.law, violation=error)
    return Answer(f"{error}", refused=True)


def train(settings: Settings, folder: Path) -> Answer:
    """Train as `nn train` does. What holds has a loss that fell."""
    session, run = None, Run.create(folder)
    try:
        session = prepare(settings)
        session.train(run, Silent())
        losses = [row["loss"] for row in session.epochs]
        fell = losses[-1] < losses[0]
        answer = Answer(f"loss {losses[0]:.4g} → {losses[-1]:.4g}", refused=not fell)
    except (Violation, BadInput) as error:
        answer = _refusal(error)
    return replace(answer, finite=_finite(_left_behind(session, run)))


def _left_behind(session: Any, run: Run) -> Iterable[Array]:
    if session is not None and session.check_log is not None:  # without laws they may break, but must not be saved
        yield session.trainer.flat.w
    for name in SAVED:
        if (run.folder / name).exists():
            yield from read_arrays(run.folder / name).values()


def _finite(arrays: Iterable[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def step(settings: Settings, x: Array, labels: Array, w: Array | None = None) -> Answer:
    """One armed step on a batch. What holds is compared with the same pass in float64."""
    load_plugins(settings)
    model = build_model(settings, 64, CLASSES)
    if w is not None:
        put(model.params, next(iter(model.params)), w)
    twin = in_float64(model)
    trainer = make_trainer(settings, model, 1, CheckLog())
    try:
        figures = trainer.step(x, labels)
    except Violation as error:
        return replace(_refusal(error), finite=_finite([trainer.flat.w]))
    exact, slopes = twin.loss_and_grads(x.astype(np.float64), labels)
    errors = [distance(figures.loss, exact)]
    top = max(float(np.abs(slope).max()) for slope in slopes.values())
    errors += [distance(trainer.flat.views[name], slope, top) for name, slope in slopes.items()]
    worst = max(errors)
    return Answer(f"within {worst:.1g} of float64", finite=_finite([trainer.flat.w]), error=worst)


def distance(found: Any, exact: Any, top: float = 0.0) -> float:
    """‖found − exact‖ / ‖exact‖, where an array below 1e-6 of the largest gradient counts as that."""
    one, two = np.asarray(found, np.float64), np.asarray(exact, np.float64)
    least = max(1e-6 * top * np.sqrt(two.size), 1e-300)
    return float(np.linalg.norm(one - two) / max(np.linalg.norm(two), least))
