"""Train a bundle again and compare the metrics with the recorded ones, step by step.

    identical      all metrics of all steps, the weights and the probabilities of the corpus, bit for bit
    within band    the first step that differs differs by rounding alone, and epochs and result stay close
    different      otherwise; the result has the first step that differs, and by how much

Rounding errors grow: a training is chaotic, so single steps drift apart while epochs stay close
(docs/reproducibility.md).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.reporter import Reporter
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import check_record, read_record, read_run_settings, versions
from nnlaw.nn.runs.bundle import unpack_bundle
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.arrays import digest
from nnlaw.spec.violation import BadInput, Violation

BAND = {"rounding": 1e-2, "epoch_loss": 0.05, "accuracy": 0.005}  # relative, relative, share of the test images
MIN_LOSS = 0.05  # changes of smaller losses are relative to it, as a loss near 0 easily doubles
TIME = "seconds"
COUNTED = ("train_accuracy", "val_accuracy")  # one picture changes them by more than rounding


class Reproduction:
    """A bundle, unpacked into a temporary folder and ready to be trained again. A context manager.

    Raises BadInput if the bundle can't be read, or if the data at `data`, by default at the recorded path, are not
    those that it was trained on.
    """

    def __init__(self, bundle: Path, data: str | None = None) -> None:
        self.bundle, self.data = bundle, data
        self.temporary = tempfile.TemporaryDirectory(prefix="nn-reproduce-")

    def __enter__(self) -> Reproduction:
        self.recorded = Run(Path(self.temporary.name) / "recorded")
        try:
            with self._naming_the_bundle():
                self.recorded.folder.mkdir()
                unpack_bundle(self.bundle, self.recorded.folder)
                self.record = read_record(self.recorded)
                self.session = self._prepared()
        except BaseException:
            self.temporary.cleanup()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.temporary.cleanup()

    @contextmanager
    def _naming_the_bundle(self) -> Iterator[None]:
        """Put the bundle in place of the temporary folder in messages."""
        try:
            yield
        except BadInput as error:
            raise BadInput(str(error).replace(str(self.recorded.folder), str(self.bundle))) from error

    def _prepared(self) -> Session:
        settings = read_run_settings(self.recorded.folder)
        for name in settings.plugins:
            if not Path(name).is_relative_to(self.recorded.folder):
                raise BadInput(f"{self.bundle}: its plugin {Path(name).name} is missing from plugins/")
        if self.data is None and settings.data and not Path(settings.data).exists():
            raise BadInput(f"{self.bundle}: the data is not at {settings.data}; give its path with --data")
        session = prepare(replace(settings, data=settings.data if self.data is None else self.data))
        check_record(self.recorded, session.dataset, session.split)
        summary, saved = read_json(self.recorded.folder / "summary.json"), self.recorded.folder / "weights.safetensors"
        if summary.get("digests", {}).get("weights") != digest(read_arrays(saved)):
            raise BadInput(f"{self.bundle}: its weights do not match the digest in summary.json")
        return session

    def train(self, reporter: Reporter) -> dict[str, Any]:
        """Train again and compare. Raises Violation if a law fails that passed in the recorded run."""
        repeated = Run.create(Path(self.temporary.name) / "repeated")
        try:
            self.session.train(repeated, reporter)
        except Violation as violation:
            raise violation.with_fields(replay="") from violation  # the temporary folder is deleted
        with self._naming_the_bundle():
            found = compare(self.recorded, repeated)
        return found | {"versions": {"recorded": self.record["versions"], "here": versions()}}


def compare(recorded: Run, repeated: Run) -> dict[str, Any]:
    """The differences between two finished runs of the same settings."""
    first_step, first_change, steps, loss_change = None, None, 0, 0.0
    for before, now in zip_longest(_rows(recorded), _rows(repeated)):
        if "step" in (before or now):
            steps += 1
        if first_step is None and before != now:
            first_step, first_change = steps, _distance(before, now)
        if before is None or now is None:
            loss_change = inf
        elif "step" not in before:
            loss_change = max(loss_change, _distance(before.get("loss"), now.get("loss"), MIN_LOSS))
    accuracy = [_accuracy(run) for run in (recorded, repeated)]
    corpora = [read_arrays(run.folder / "corpus.safetensors") for run in (recorded, repeated)]
    weights = [digest(read_arrays(run.folder / "weights.safetensors")) for run in (recorded, repeated)]
    same_result = accuracy[0] == accuracy[1] and weights[0] == weights[1] and digest(corpora[0]) == digest(corpora[1])
    identical = first_step is None and same_result
    images = int(np.sum(read_json(repeated.folder / "summary.json")["confusion"]))
    within_band = (
        first_change is not None
        and first_change <= BAND["rounding"]
        and loss_change <= BAND["epoch_loss"]
        and abs(accuracy[0] - accuracy[1]) <= max(BAND["accuracy"], 2 / images)
    )
    return {
        "outcome": "identical" if identical else "within band" if within_band else "different",
        "steps": steps,
        "first_difference": None if identical else first_step or steps,
        "first_change": _finite(first_change),
        "epoch_loss_change": _finite(loss_change),
        "test_accuracy": accuracy,
        "probability_change": _largest_change(*corpora),
        "band": BAND,
    }


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    """The rows of metrics.jsonl one by one, without times."""
    path = run.folder / "metrics.jsonl"
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path}: line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise BadInput(f"{path}: line {number}: expected an object")
            row.pop(TIME, None)
            yield row


def _distance(before: Any, now: Any, least: float = 1e-12) -> float:
    """The largest relative difference of two numbers, lists or rows; infinite if they don't match.

    Numbers below `least` are compared with `least`. The accuracies in the row of an epoch are left out.
    """
    if isinstance(before, dict) and isinstance(now, dict):
        pairs = [(before.get(name), now.get(name)) for name in {**before, **now} if name not in COUNTED]
        return max((_distance(*pair, least) for pair in pairs), default=0.0)
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return max((_distance(*pair, least) for pair in zip(before, now, strict=True)), default=0.0)
    if before == now:
        return 0.0
    if not all(isinstance(value, int | float) for value in (before, now)):
        return inf
    try:
        return float(abs(before - now) / max(abs(before), least))
    except OverflowError:  # an integer too large for a float
        return inf


def _finite(value: float | None) -> float | None:
    return value if value is None or np.isfinite(value) else None


def _accuracy(run: Run) -> float:
    path = run.folder / "summary.json"
    found = read_json(path).get("test_accuracy")
    if not isinstance(found, float):
        raise BadInput(f"{path}: test_accuracy = {found!r}, expected a number")
    return found


def _largest_change(recorded: dict[str, Any], repeated: dict[str, Any]) -> float | None:
    p, q = recorded.get("probabilities"), repeated.get("probabilities")
    if p is None or q is None or p.shape != q.shape:
        return None
    return float(np.abs(p.astype(np.float64) - q).max())
