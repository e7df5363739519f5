"""A bundle is trained again, and its figures compared step by step with the recorded ones.

    identical      every figure of every step, the weights and the probabilities of the corpus, bit for bit
    within band    the first step that differs does so by rounding alone, and epochs and result stay close
    different      neither; the answer names the first step that differs, and by how much

Rounding grows: a training is chaotic, so single steps drift apart while epochs stay close (docs/reproducibility.md).
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

from nnlaw.nn.runs.bundle import unpack_bundle
from nnlaw.nn.run_folder.metadata import check_record, read_record, run_settings, versions
from nnlaw.nn.core.reporter import Reporter
from nnlaw.nn.run_folder.folder import Run, read_arrays, read_json
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.arrays import digest
from nnlaw.spec.violation import BadInput, Violation

BAND = {"rounding": 1e-2, "epoch_loss": 0.05, "accuracy": 0.005}  # relative, relative, share of the test images
LEAST = 0.05  # a loss below it is compared with it, since what is nearly nothing may well double
CLOCK = "seconds"
COUNTED = ("train_accuracy", "val_accuracy")  # which one picture moves by more than rounding


class Reproduction:
    """A bundle, unpacked and ready to be trained again: a context manager, since its folder is a temporary one.

    Raises BadInput where the bundle cannot be read, or the data at `data` (by default where they were) are not those
    that it was trained on.
    """

    def __init__(self, bundle: Path, data: str | None = None) -> None:
        self.bundle, self.data = bundle, data
        self.place = tempfile.TemporaryDirectory(prefix="nn-reproduce-")

    def __enter__(self) -> Reproduction:
        self.recorded = Run(Path(self.place.name) / "recorded")
        try:
            with self._naming_the_bundle():
                self.recorded.folder.mkdir()
                unpack_bundle(self.bundle, self.recorded.folder)
                self.record = read_record(self.recorded)
                self.session = self._prepared()
        except BaseException:
            self.place.cleanup()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.place.cleanup()

    @contextmanager
    def _naming_the_bundle(self) -> Iterator[None]:
        """A sentence about a member names the bundle, not the folder that it was unpacked in."""
        try:
            yield
        except BadInput as error:
            raise BadInput(str(error).replace(str(self.recorded.folder), str(self.bundle))) from error

    def _prepared(self) -> Session:
        settings = run_settings(self.recorded.folder)
        for name in settings.plugins:
            if not Path(name).is_relative_to(self.recorded.folder):
                raise BadInput(f"{self.bundle}: its plugin {Path(name).name} is missing, expected it in plugins/")
        if self.data is None and settings.data and not Path(settings.data).exists():
            raise BadInput(f"{self.bundle}: trained on data in {settings.data}, which is not here: name it with --data")
        session = prepare(replace(settings, data=settings.data if self.data is None else self.data))
        check_record(self.recorded, session.dataset, session.split)
        summary, saved = read_json(self.recorded.folder / "summary.json"), self.recorded.folder / "weights.safetensors"
        if summary.get("digests", {}).get("weights") != digest(read_arrays(saved)):
            raise BadInput(f"{self.bundle}: its weights are not those that its summary names")
        return session

    def train(self, reporter: Reporter) -> dict[str, Any]:
        """Train again and compare. Raises Violation where a law is broken that the recorded run kept."""
        again = Run.create(Path(self.place.name) / "again")
        try:
            self.session.train(again, reporter)
        except Violation as violation:
            raise violation.with_fields(replay="") from violation
        with self._naming_the_bundle():
            found = compare(self.recorded, again)
        return found | {"versions": {"recorded": self.record["versions"], "here": versions()}}


def compare(recorded: Run, again: Run) -> dict[str, Any]:
    """How two finished runs of the same settings differ."""
    first, size, steps, drift = None, None, 0, 0.0
    for one, two in zip_longest(_rows(recorded), _rows(again)):
        steps += "step" in (one or two)
        if first is None and one != two:
            first, size = steps, _distance(one, two)
        if one is None or two is None:
            drift = inf
        elif "step" not in one:
            drift = max(drift, _distance(one.get("loss"), two.get("loss"), LEAST))
    accuracy = [_accuracy(run) for run in (recorded, again)]
    corpora = [read_arrays(run.folder / "corpus.safetensors") for run in (recorded, again)]
    weights = [digest(read_arrays(run.folder / "weights.safetensors")) for run in (recorded, again)]
    ends = accuracy[0] == accuracy[1] and weights[0] == weights[1] and digest(corpora[0]) == digest(corpora[1])
    images = int(np.sum(read_json(again.folder / "summary.json")["confusion"]))
    near = (
        size is not None
        and size <= BAND["rounding"]
        and drift <= BAND["epoch_loss"]
        and abs(accuracy[0] - accuracy[1]) <= max(BAND["accuracy"], 2 / images)
    )
    same = first is None and ends
    return {
        "outcome": "identical" if same else "within band" if near else "different",
        "steps": steps,
        "first_difference": None if same else first or steps,
        "first_change": _number(size),
        "epoch_loss_change": _number(drift),
        "test_accuracy": accuracy,
        "probability_change": _largest_change(*corpora),
        "band": BAND,
    }


def _rows(run: Run) -> Iterator[dict[str, Any]]:
    """The rows of metrics.jsonl one by one, without what a clock measured."""
    path = run.folder / "metrics.jsonl"
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path}: line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise BadInput(f"{path}: line {number}: expected an object")
            row.pop(CLOCK, None)
            yield row


def _distance(one: Any, two: Any, least: float = 1e-12) -> float:
    """How far two figures, lists or rows of figures are apart, relative to the first; infinite where they don't match.

    The first row at which two runs differ may be one of an epoch, whose shares of pictures are left out.
    """
    if isinstance(one, dict) and isinstance(two, dict):
        pairs = [(one.get(name), two.get(name)) for name in {**one, **two} if name not in COUNTED]
        return max((_distance(*pair, least) for pair in pairs), default=0.0)
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return max((_distance(*pair, least) for pair in zip(one, two, strict=True)), default=0.0)
    if one == two:
        return 0.0
    if not all(isinstance(value, int | float) for value in (one, two)):
        return inf
    try:
        return float(abs(one - two) / max(abs(one), least))
    except OverflowError:  # a whole number that no float can hold
        return inf


def _number(value: float | None) -> float | None:
    return value if value is None or np.isfinite(value) else None


def _accuracy(run: Run) -> float:
    path = run.folder / "summary.json"
    found = read_json(path).get("test_accuracy")
    if not isinstance(found, float):
        raise BadInput(f"{path}: test_accuracy = {found!r}, expected a number")
    return found


def _largest_change(one: dict[str, Any], two: dict[str, Any]) -> float | None:
    p, q = one.get("probabilities"), two.get("probabilities")
    if p is None or q is None or p.shape != q.shape:
        return None
    return float(np.abs(p.astype(np.float64) - q).max())
