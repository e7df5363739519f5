"""A training from settings to summary: prepare, check if strict, train the epochs, evaluate on the test set once.

    session = prepare(Settings(data="mnist", epochs=10))
    summary = session.train(Run.create(None), SilentReporter())
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn.core.reporter import Reporter
from nnlaw.nn.core.rng import stream
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset, Split, split
from nnlaw.nn.data.load import load
from nnlaw.nn.data.synthetic.digits import Progress, default_digits
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import is_recorded, read_record, write_record
from nnlaw.nn.training.adversarial_training import AdversarialTraining, adversarial_training
from nnlaw.nn.training.batches import count_batches, sample_batches
from nnlaw.nn.training.build import (
    build_model,
    check_single_sample_batches,
    load_plugins,
    load_weights,
    make_trainer,
    named_arrays,
)
from nnlaw.nn.training.checkpoint import NAME as CHECKPOINT
from nnlaw.nn.training.checkpoint import read_checkpoint, restore_trainer, snapshot_tree, write_checkpoint
from nnlaw.nn.training.evaluation import epoch_metrics, prediction_corpus, user_metrics_row, validation_rank
from nnlaw.nn.training.failure_report import FailureReport, write_failure_report
from nnlaw.nn.training.phase import Phase
from nnlaw.nn.training.strict_checks import (
    batch_of_every_class,
    check,
    check_after_epoch,
    check_before_training,
    data_case,
)
from nnlaw.nn.training.summary import summarize
from nnlaw.nn.training.trainer import Snapshot, Trainer
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation

REPORT_EVERY = 50  # steps


@dataclass
class Session:
    """A training that is ready to start or to continue: data, model, trainer. Nothing is written before `train`.

    `epochs` holds the metrics of the finished epochs, `best` the number and the weights of the epoch that validated
    best, `check_seconds` the time spent on checks before training. `check_log` is None unless the training is strict.
    `phase` and `batch` are what a failure report needs if a law fails now.
    """

    settings: Settings
    dataset: Dataset
    split: Split
    model: Any
    trainer: Trainer
    check_log: CheckLog | None
    steps_per_epoch: int  # batches in the first epoch
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    check_seconds: float = 0.0
    phase: Phase = field(init=False)
    batch: tuple[Array, Array] = field(init=False)
    epoch_start: Snapshot = field(init=False)
    adversarial: AdversarialTraining | None = field(init=False)

    def __post_init__(self) -> None:
        self.enter(Phase.CHECK_NETWORK, self.split.x_train[:1], self.split.y_train[:1])
        self.adversarial = adversarial_training(self.settings.adversarial, self.split, self.model)

    @np.errstate(all="ignore")  # laws report what is not finite, not warnings
    def train(self, run: Run, reporter: Reporter, stop_after: int | None = None) -> dict[str, Any] | None:
        """Train the epochs, write the run folder, evaluate on the test set once and return the summary.

        Returns None if it stops after epoch `stop_after`, before the last one. Raises Violation if a law fails; the
        run folder then holds a failure report.
        """
        last = min(self.settings.epochs, stop_after or self.settings.epochs)
        with threadpool_limits(self.settings.threads or None):
            try:
                self.start(run, reporter)
                for epoch in range(len(self.epochs) + 1, last + 1):
                    self.train_epoch(epoch, run, reporter)
                return self.finish(run) if last == self.settings.epochs else None
            except Violation as violation:
                raise self.with_failure_report(violation, run) from violation

    def enter(self, phase: Phase, x: Array | None = None, labels: Array | None = None) -> None:
        """Enter a phase, on this batch or on the one before."""
        self.phase = phase
        if x is not None and labels is not None:
            self.batch = x, labels

    def start(self, run: Run, reporter: Reporter) -> None:
        """Write what is about to be trained. If strict, check the data, and the network unless it is resumed."""
        if not is_recorded(run):
            write_record(run, self.settings, self.dataset, self.split)
            self.save(run)
        if self.check_log is None:
            return
        started = time.perf_counter()
        reporter.status("Checking data and network before training")
        self.enter(Phase.CHECK_DATA)
        check(data_case(self.split), self.check_log)
        if not self.epochs:
            self.enter(Phase.CHECK_NETWORK, *batch_of_every_class(self.split))
            check_before_training(self.settings, self.model, *self.batch, self.check_log)
        self.check_seconds += time.perf_counter() - started

    def train_epoch(self, epoch: int, run: Run, reporter: Reporter) -> None:
        """Train one epoch, check and evaluate the network, write the checkpoint."""
        started = time.perf_counter()
        losses = self.take_steps(epoch, run, reporter)
        self.enter(Phase.CHECK_WEIGHTS)
        self.trainer.require_finite_weights()
        if self.check_log is not None:
            self.enter(Phase.CHECK_EPOCH, self.split.x_train[:500], self.split.y_train[:500])
            check_after_epoch(self.model, *self.batch, self.check_log)
        seconds = time.perf_counter() - started
        self.enter(Phase.EVALUATE, self.split.x_val[:1000], self.split.y_val[:1000])
        row = epoch_metrics(self.model, self.split, epoch, losses, seconds)
        row |= user_metrics_row(self.settings.plugins, self.model, self.split)
        self.epochs.append(row)
        run.append_lines("metrics.jsonl", [row])
        if self.is_best(row):
            copies = {name: np.copy(array) for name, array in named_arrays(self.model).items()}
            self.best = {"epoch": epoch, "weights": copies}
        self.save(run)
        reporter.epoch(row)

    def take_steps(self, epoch: int, run: Run, reporter: Reporter) -> list[float]:
        """One step per batch of the epoch; return their losses."""
        self.epoch_start = self.trainer.take_snapshot()
        rows: list[dict[str, Any]] = []
        try:
            for x, labels in self.batches(epoch):
                self.enter(Phase.STEP, x, labels)
                metrics = self.trainer.step(x, labels)
                rows.append({"epoch": epoch} | metrics._asdict())
                if metrics.step % REPORT_EVERY == 0:
                    reporter.advance(epoch, metrics.step, metrics.loss)
        finally:
            run.append_lines("metrics.jsonl", rows)
        return [row["loss"] for row in rows]

    def batches(self, epoch: int) -> Iterator[tuple[Array, Array]]:
        """The batches of an epoch; in adversarial training each is perturbed just before its step."""
        rng = stream(np.random.SeedSequence(self.settings.seed), "adversarial", epoch)
        for x, labels in sample_batches(self.settings, self.split, epoch):
            if self.adversarial is None:
                yield x, labels
            else:
                start = self.adversarial.random_start(x, rng)
                self.enter(Phase.PERTURB, start, labels)
                yield self.adversarial.ascend(self.model, x, start, labels), labels

    def is_best(self, row: dict[str, Any]) -> bool:
        """Whether this epoch validated better than all epochs before; False without validation images."""
        if "val_accuracy" not in row:
            return False
        return self.best is None or validation_rank(row) > validation_rank(self.epochs[self.best["epoch"] - 1])

    def finish(self, run: Run) -> dict[str, Any]:
        """Evaluate on the test set, once, and write the summary."""
        self.enter(Phase.EVALUATE, self.split.x_test[:1000], self.split.y_test[:1000])
        probabilities = self.model.predict(self.split.x_test)
        if self.check_log is not None:
            self.enter(Phase.CHECK_RELOADED, *batch_of_every_class(self.split))
            check(self.reloadable_case(*self.batch, run), self.check_log, ["round-trip"])
        run.write_arrays("corpus.safetensors", prediction_corpus(self.model, self.split, self.dataset.test_images))
        summary = summarize(self.settings, self.split, probabilities) | {
            "epoch_seconds": [row["seconds"] for row in self.epochs],
            "audit_seconds": self.check_seconds,
            "best_epoch": self.best["epoch"] if self.best else None,
            "digests": read_record(run)["digests"] | {"weights": digest(named_arrays(self.model))},
            "judged": self.check_log.checked() if self.check_log else {},
        }
        run.write_json("summary.json", summary)
        return summary | {"probabilities": probabilities}

    def reloadable_case(self, x: Array, labels: Array, run: Run) -> ModelCase:
        """The trained model as a case that can be loaded again from the run folder."""

        def reload() -> Any:
            fresh = build_model(self.settings, x.shape[1], self.dataset.n_classes)
            load_weights(fresh, read_arrays(run.folder / "weights.safetensors"))
            return fresh

        return ModelCase("network", self.model, lambda rng: None, x, labels, reload)

    def with_failure_report(self, violation: Violation, run: Run) -> Violation:
        """Write a failure report; return the violation with the command that repeats it."""
        batch, n_in = self.batch, int(self.split.x_train.shape[1])
        report = FailureReport(self.phase, self.settings, n_in, self.dataset.n_classes, self.trainer.steps)
        folder = write_failure_report(run, report, violation, self.snapshot_before(), batch)
        return violation.with_fields(replay=str(folder), verify=self.settings.plugin_path(violation.location.file))

    def snapshot_before(self) -> Snapshot:
        """The state before the current phase began; before a step, it is reached by repeating the epoch's steps."""
        if self.phase is not Phase.STEP:
            return self.trainer.take_snapshot()
        done = self.trainer.done - self.epoch_start.done
        return self.trainer.repeat(self.epoch_start, islice(self.batches(len(self.epochs) + 1), done))

    def save(self, run: Run) -> None:
        """Write everything that the next epoch needs, then the weights of the last epoch and of the best."""
        write_checkpoint(
            run,
            {
                "epochs": self.settings.epochs,
                "rows": self.epochs,
                "metrics_bytes": run.size("metrics.jsonl"),
                "trainer": snapshot_tree(self.trainer.take_snapshot()),
                "best": self.best,
                "judged": self.check_log.checked() if self.check_log else {},
                "audited": self.check_seconds,
            },
        )
        self.export_weights(run)

    def restore(self, run: Run) -> None:
        """Continue from the run's checkpoint; metrics written after it are discarded."""
        tree = read_checkpoint(run)
        restore_trainer(self.trainer, tree["trainer"], run.folder / CHECKPOINT)
        self.epochs, self.best, self.check_seconds = tree["rows"], tree["best"], tree["audited"]
        if self.check_log is not None:
            self.check_log.audits.update(tree["judged"])
        run.truncate("metrics.jsonl", tree["metrics_bytes"])
        self.export_weights(run)

    def export_weights(self, run: Run) -> None:
        """Write weights and layer state of the last epoch, and of the best one."""
        if self.epochs:
            run.write_arrays("weights.safetensors", named_arrays(self.model), epoch=len(self.epochs))
        if self.best is not None:
            run.write_arrays("best.safetensors", self.best["weights"], epoch=self.best["epoch"])


def prepare(settings: Settings, progress: Progress | None = None) -> Session:
    """Load the plugins and the data, build the model and the trainer, check that they fit together.

    `progress` receives how many of the built-in digits are rendered, if they have to be. Raises BadInput. Nothing is
    written but built-in digits in the user's cache folder.
    """
    load_plugins(settings)
    parts = prepare_data(settings, progress)
    dataset = parts.dataset
    settings = settings.with_output_layer(dataset.n_classes)
    model = build_model(settings, parts.x_train.shape[1], dataset.n_classes)
    check_log = CheckLog() if settings.strict else None
    check_single_sample_batches(settings, model, parts.x_train, parts.y_train)
    steps_per_epoch = count_batches(settings, parts)
    trainer = make_trainer(settings, model, settings.epochs * steps_per_epoch, check_log)
    return Session(settings, dataset, parts, model, trainer, check_log, steps_per_epoch)


def prepare_data(settings: Settings, progress: Progress | None = None) -> Split:
    """Load the data of a training and split them. Imports no plugin. Raises BadInput."""
    dataset = load(Path(settings.data)) if settings.data else default_digits(progress)
    validation = settings.validation
    if validation < 0:
        validation = min(5000, len(dataset.train_images) // 12)
    return split(dataset, validation, stream(np.random.SeedSequence(settings.seed), "split"))
