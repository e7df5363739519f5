"""The edge-case matrix, fixtures/edge_cases/matrix.toml: each row is a scenario, and all of them run in one way.

A row of data and settings is a training, from the IDX files to the saved weights. A row of a batch is one step,
compared with the same step in float64.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.core.state_dict import assign
from nnlaw.nn.data.idx import write_idx
from nnlaw.nn.data.layout import FILES
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.nn.training.build import build_model, load_plugins, make_trainer
from nnlaw.nn.training.session import prepare
from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.locations import fixtures
from nnlaw.spec.violation import BadInput, Violation

PREFIX = "edge-"
TOLERANCE = 1e-4  # ‖float32 − float64‖ / ‖float64‖
REPEATED = re.compile(r"(\d+)\*\((.*?)\)")
CLASSES = 10
SAVED = ("weights.safetensors", "best.safetensors")

# The matrix is frozen, in the words of version 0.1; these replace them.
REWORDED = {
    # descriptions
    "20 images stand in the set twice, the second time with another label":
    "20 images are repeated, with another label",
    "a learning rate of 1e39 without --strict, one step an epoch": "a learning rate of 1e39 without --strict, one step "
    "per epoch",
    "a small learning rate, 0.001: slow is no fault": "a small learning rate, 0.001: slow, but correct",
    "ReLUs below which every bias is −1000": "ReLUs after a layer in which every bias is −1000",
    "a softmax under a loss that applies its own": "a softmax before a loss that applies softmax itself",
    "a softmax under a user's loss that claims logits": "a softmax before a user's loss that declares logits",
    "60 numbers a sample for a network of 64": "60 numbers per sample for a network with 64 inputs",
    # parts of messages
    "expected none to be 0": "expected sizes above 0",
    "absent from the training split": "is missing in the training split",
    "expected 10, the classes": "has 7 outputs, but the data has 10 classes",
    "so that a batch of 1 is left, which 1:batchnorm(16) refuses": "a batch of 1 of 300 training images, which "
    "1:batchnorm(16) refuses",
    "299 labels, expected as many": "has 299 labels, expected the same number",
    "input[3, 5] is nan": "input[3, 5] = nan, expected a finite number",
    "input[3, 5] is inf": "input[3, 5] = inf, expected a finite number",
    "input[3, 5] is -inf": "input[3, 5] = -inf, expected a finite number",
    "is -1, expected a label in [0, 10)": "target[4] = -1, expected a label in [0, 10)",
    "is 10, expected a label in [0, 10)": "= 10, expected a label in [0, 10)",
    "is 255, expected a label in [0, 10)": "target[4] = 255, expected a label in [0, 10)",
}


@dataclass(frozen=True)
class Case:
    """One row: what is done, and the law, the message, or the closeness to float64 that is expected.

    `says` and `within` are keys of the matrix: part of the message, and the tolerance.
    """

    name: str
    what: str
    data: str = "digits"
    batch: str = ""
    labels: str = "plain"
    weights: str = ""
    layout: str = ""
    law: str = ""
    says: str = ""
    within: float = TOLERANCE
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """What is done, in today's words."""
        return REWORDED.get(self.what, self.what)

    @property
    def message(self) -> str:
        """Part of the expected message, in today's words."""
        return REWORDED.get(self.says, self.says)

    @property
    def expected(self) -> str:
        """The expected result in words."""
        if self.law:
            return f"law {self.law} fails" + (f': "{self.message}"' if self.message else "")
        if self.message:
            return f'refused: "{self.message}"'
        return f"within {self.within:g} of float64" if self.batch else "every law passes and the loss falls"

    def is_met_by(self, result: RowResult) -> bool:
        """Whether the result is the expected one, and all weights written are finite."""
        right = (result.law, result.refused) == (self.law, bool(self.message and not self.law))
        return right and self.message in result.text and result.finite and result.error <= self.within


@dataclass(frozen=True)
class RowResult:
    """How a row ended: the law that failed, or a refusal, or neither; whether the weights that are left are finite; and
    how far loss and gradients are from those in float64."""

    text: str = ""
    law: str = ""
    refused: bool = False
    violation: Violation | None = None
    finite: bool = True
    error: float = 0.0

    @property
    def summary(self) -> str:
        """The result in one line."""
        text = f"{self.violation.subject}: {self.violation.comparison}" if self.violation else self.text
        return text if self.finite else f"{text}; the weights left are not finite"


@cache
def folder() -> Path:
    """The folder of the matrix."""
    return fixtures() / "edge_cases"


def cases() -> list[Case]:
    """The rows of the matrix."""
    table = tomllib.loads((folder() / "matrix.toml").read_text(encoding="utf-8"))
    return [Case(**row | {"settings": table["settings"] | row.get("settings", {})}) for row in table["row"]]


@cache
def arrays() -> dict[str, Array]:
    """All arrays of the matrix, read-only."""
    found: dict[str, Array] = load_file(folder() / "arrays.safetensors")
    for array in found.values():
        array.setflags(write=False)
    return found


def settings_of(case: Case, data: Path | None, seed: int) -> Settings:
    """The settings of a row. `3*(dense:8 relu)` means three times these layers."""
    given = dict(case.settings)
    given["layers"] = REPEATED.sub(lambda m: " ".join([m[2]] * int(m[1])), given.get("layers", Settings.layers))
    given["plugins"] = tuple(str(folder() / name) for name in given.get("plugins", ()))
    return Settings(**given, data=str(data) if data else "", seed=seed)


def write_data(name: str, place: Path) -> Path:
    """The four IDX files of a data set of the matrix, as a user has them."""
    place.mkdir()
    parts = ("train_images", "train_labels", "test_images", "test_labels")
    for part, (stem, dims) in zip(parts, FILES, strict=True):
        found = arrays().get(f"{name}/{part}", arrays()[f"digits/{part}"])
        write_idx(place / f"{stem}-idx{dims}-ubyte", found)
    return place


def batch_of(case: Case) -> tuple[Array, Array]:
    """The batch of a row, in the memory layout of the row."""
    x, labels = arrays()[f"{case.batch}/x"], arrays()[f"{case.labels}/labels"]
    return LAYOUTS[case.layout](x), labels


def _strided(x: Array) -> Array:
    return np.repeat(x, 2, axis=1)[:, ::2]


def _reversed(x: Array) -> Array:
    return x[::-1, ::-1].copy()[::-1, ::-1]


LAYOUTS: dict[str, Any] = {
    "": np.copy,
    "fortran": np.asfortranarray,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": lambda x: x,
}


def _refusal(error: Violation | BadInput) -> RowResult:
    if isinstance(error, Violation):
        return RowResult(error.message, error.law, violation=error)
    return RowResult(f"{error}", refused=True)


def train(settings: Settings, folder: Path) -> RowResult:
    """Train as `nn train` does; a loss that does not fall counts as refused."""
    session, run = None, Run.create(folder)
    try:
        session = prepare(settings)
        session.train(run, SilentReporter())
        losses = [row["loss"] for row in session.epochs]
        fell = losses[-1] < losses[0]
        result = RowResult(f"loss {losses[0]:.4g} → {losses[-1]:.4g}", refused=not fell)
    except (Violation, BadInput) as error:
        result = _refusal(error)
    return replace(result, finite=_finite(_left_behind(session, run)))


def _left_behind(session: Any, run: Run) -> Iterable[Array]:
    if session is not None and session.check_log is not None:  # without laws they may become nan, but must not be saved
        yield session.trainer.flat.w
    for name in SAVED:
        if (run.folder / name).exists():
            yield from read_arrays(run.folder / name).values()


def _finite(arrays: Iterable[Array]) -> bool:
    return all(bool(np.isfinite(array).all()) for array in arrays)


def step(settings: Settings, x: Array, labels: Array, w: Array | None = None) -> RowResult:
    """One strict step on a batch, compared with the same pass in float64."""
    load_plugins(settings)
    model = build_model(settings, 64, CLASSES)
    if w is not None:
        assign(model.params, next(iter(model.params)), w)
    twin = in_float64(model)
    trainer = make_trainer(settings, model, 1, CheckLog())
    try:
        metrics = trainer.step(x, labels)
    except Violation as error:
        return replace(_refusal(error), finite=_finite([trainer.flat.w]))
    exact, slopes = twin.loss_and_grads(x.astype(np.float64), labels)
    errors = [distance(metrics.loss, exact)]
    top = max(float(np.abs(slope).max()) for slope in slopes.values())
    errors += [distance(trainer.flat.views[name], slope, top) for name, slope in slopes.items()]
    worst = max(errors)
    return RowResult(f"within {worst:.1g} of float64", finite=_finite([trainer.flat.w]), error=worst)


def distance(found: Any, exact: Any, top: float = 0.0) -> float:
    """‖found − exact‖ / ‖exact‖, with ‖exact‖ at least 1e-6 of the largest gradient."""
    one, two = np.asarray(found, np.float64), np.asarray(exact, np.float64)
    least = max(1e-6 * top * np.sqrt(two.size), 1e-300)
    return float(np.linalg.norm(one - two) / max(np.linalg.norm(two), least))


def run_row(case: Case, context: Context) -> Observation:
    """Run one row."""
    if case.batch:
        x, labels = batch_of(case)
        w = arrays()[f"{case.weights}/W"] if case.weights else None
        result, kept = step(settings_of(case, None, context.seed), x, labels, w), {"x": x, "labels": labels}
    else:
        data = write_data(case.data, context.folder / "data")
        result, kept = train(settings_of(case, data, context.seed), context.folder / "run"), {}
    expected = case.is_met_by(result)
    violation = None if expected else result.violation
    return Observation(result.summary, expected, {"error": result.error, "finite": result.finite}, kept, violation)


for _case in cases():
    scenario(PREFIX + _case.name, what=_case.description, expected=_case.expected)(partial(run_row, _case))
