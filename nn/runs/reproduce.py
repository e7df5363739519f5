"""Train a bundle again and compare the metrics with the recorded ones, step by step.

    identical      all metrics of all steps, the weights and the probabilities of the corpus, bit for bit
    within band    the first step that differs differs by rounding alone, and epochs and result stay close
    different      otherwise; the result has the first step that differs, and by how much

Rounding errors grow: a training is chaotic, so single steps drift apart while epochs stay close
(docs/reproducibility.md).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from math import inf, isnan
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn.core.reporter import Reporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import check_record, read_record, read_run_settings, versions
from nnlaw.nn.run_folder.metrics_file import read_metrics
from nnlaw.nn.run_folder.trust import own_plugins
from nnlaw.nn.runs.bundle import check_weights, unpack_bundle
from nnlaw.nn.training.evaluation import CORPUS
from nnlaw.nn.training.session import Session, prepare, prepare_data
from nnlaw.nn.training.summary import summarize
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.violation import BadInput, Violation

BAND = {"rounding": 1e-2, "epoch_loss": 0.05, "accuracy": 0.005}  # relative, relative, share of the test images
MIN_LOSS = 0.05  # changes of smaller losses are relative to it, as a loss near 0 easily doubles
COUNTED = ("train_accuracy", "val_accuracy")  # one picture changes them by more than rounding


class Isolated(Protocol):
    """Training in a process of its own, for a bundle that brings plugins: nn/verify/isolated_run.py."""

    def prepare(self, data: str) -> int:
        """Prepare the training; the steps of an epoch."""

    def epoch(self, number: int) -> dict[str, Any]:
        """Train an epoch; its metrics."""

    def test_probabilities(self, count: int) -> Array:
        """The probabilities of the first test images."""

    def read(self, name: str) -> bytes:
        """A file of its run folder."""


class Reproduction:
    """A bundle, unpacked into a temporary folder. A context manager; call `prepare`, then `train`.

    With a `process`, both happen there, and what it computes is compared here. Raises BadInput if the bundle can't be
    read, or if the data at `data`, by default at the recorded path, are not those that it was trained on.
    """

    session: Session | None = None

    def __init__(self, bundle: Path, data: str | None = None) -> None:
        self.bundle, self.data = bundle, data
        self.temporary = tempfile.TemporaryDirectory(prefix="nn-reproduce-")

    def __enter__(self) -> Reproduction:
        self.recorded = Run(Path(self.temporary.name) / "recorded")
        self.repeated = Run(Path(self.temporary.name) / "repeated")
        try:
            with self.naming_the_bundle():
                self.recorded.folder.mkdir()
                unpack_bundle(self.bundle, self.recorded.folder)
                self.record = read_record(self.recorded)
                self.settings = self._settings()
        except BaseException:
            self.temporary.cleanup()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.temporary.cleanup()

    @contextmanager
    def naming_the_bundle(self) -> Iterator[None]:
        """Put the bundle in place of the temporary folders in messages."""
        try:
            yield
        except BadInput as error:
            text = str(error).replace(str(self.recorded.folder), str(self.bundle))
            text = text.replace(str(self.repeated.folder), f"{self.bundle}, trained again")
            raise BadInput(text) from error.__cause__

    def _settings(self) -> Settings:
        settings = read_run_settings(self.recorded.folder)
        own_plugins(self.recorded.folder, settings.plugins)
        if self.data is None and settings.data and not os.path.exists(settings.data):
            raise BadInput(f"{self.bundle}: the data is not at {settings.data}; give its path with --data")
        return replace(settings, data=settings.data if self.data is None else self.data)

    def prepare(self, process: Isolated | None = None) -> int:
        """Load the data, compare them with the recorded ones, and build the network; the steps of an epoch."""
        with self.naming_the_bundle():
            if process is None:
                self.session = prepare(self.settings)
                self.split, steps = self.session.split, self.session.steps_per_epoch
            else:
                self.split, steps = prepare_data(self.settings), process.prepare(self.settings.data)
            check_record(self.recorded, self.split.dataset, self.split)
            check_weights(self.recorded)
        return steps

    def train(self, reporter: Reporter, process: Isolated | None = None) -> dict[str, Any]:
        """Train again and compare. Raises Violation if a law fails that passed in the recorded run."""
        repeated = Run.create(self.repeated.folder)
        try:
            if self.session is not None:
                self.session.train(repeated, reporter)
            elif process is not None:
                self._train_isolated(repeated, reporter, process)
        except Violation as violation:
            raise violation.with_fields(replay="") from violation  # the temporary folder is deleted
        with self.naming_the_bundle():
            found = compare(self.recorded, repeated)
        with threadpool_limits(self.settings.threads or None):  # as when the record was written
            here = versions()
        return found | {"versions": {"recorded": self.record["versions"], "here": here}}

    def _train_isolated(self, repeated: Run, reporter: Reporter, process: Isolated) -> None:
        """Train in the process; what can be computed from its weights and probabilities is computed here."""
        for epoch in range(1, self.settings.epochs + 1):
            reporter.epoch(process.epoch(epoch))
        for name in ("metrics.jsonl", "weights.safetensors"):
            repeated.write(name, process.read(name))
        labels, images = self.split.y_test, self.split.dataset.test_images[:CORPUS]
        first, probabilities = process.test_probabilities(len(images)), process.test_probabilities(len(labels))
        corpus = {"images": images, "labels": labels[:CORPUS], "probabilities": first}
        repeated.write_arrays("corpus.safetensors", corpus)
        repeated.write_json("summary.json", summarize(replace(self.settings, plugins=()), self.split, probabilities))


def compare(recorded: Run, repeated: Run) -> dict[str, Any]:
    """The differences between two finished runs of the same settings."""
    first_step, first_change, steps, loss_change = None, None, 0, 0.0
    for before, now in zip_longest(read_metrics(recorded), read_metrics(repeated)):
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
        found = float(abs(before - now) / max(abs(before), least))
    except OverflowError:  # an integer too large for a float
        return inf
    return inf if isnan(found) else found


def _finite(value: float | None) -> float | None:
    return value if value is None or np.isfinite(value) else None


def _accuracy(run: Run) -> float:
    path = run.folder / "summary.json"
    found = read_json(path).get("test_accuracy")
    if not isinstance(found, float) or not 0 <= found <= 1:
        raise BadInput(f"{path}: test_accuracy = {str(found)[:40]!r}, expected a number from 0 to 1")
    return found


def _largest_change(recorded: dict[str, Any], repeated: dict[str, Any]) -> float | None:
    p, q = recorded.get("probabilities"), repeated.get("probabilities")
    return None if p is None or q is None or p.shape != q.shape else float(np.abs(p.astype(np.float64) - q).max())
