"""A training from settings to summary: prepare, audit under --strict, run the epochs, score the test set once."""

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
from nnlaw.nn.metrics import confusion_matrix
from nnlaw.nn.run_folder.folder import Run, read_arrays
from nnlaw.nn.run_folder.metadata import read_record, recorded, versions, write_record
from nnlaw.nn.training.adversarial_training import Hardening, hardening
from nnlaw.nn.training.batches import count_batches, sample_batches
from nnlaw.nn.training.build import build_model, load_plugins, make_trainer, refuse_alone, restore, weights
from nnlaw.nn.training.checkpoint import NAME as CHECKPOINT
from nnlaw.nn.training.checkpoint import restore_tree, snapshot_tree, write_checkpoint
from nnlaw.nn.training.evaluation import corpus, merit, scores, user_metric_values, user_metrics_row
from nnlaw.nn.training.failure_report import write_failure
from nnlaw.nn.training.strict_checks import audit, audit_batch, audit_epoch, data_case, judge
from nnlaw.nn.training.trainer import Snapshot, Trainer
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation

EVERY = 50  # steps between two words to the reporter


@dataclass
class Session:
    """A training that is ready to start or to go on: data, model, trainer. Nothing is written before `train`."""

    settings: Settings
    dataset: Dataset
    split: Split
    model: Any
    trainer: Trainer
    check_log: CheckLog | None
    steps_per_epoch: int  # batches in the first pass over the training split
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    audited: float = 0.0
    phase: str = "audit"
    batch: tuple[Array, Array] = field(init=False)
    start: Snapshot = field(init=False)  # of the epoch
    hardening: Hardening | None = field(init=False)

    def __post_init__(self) -> None:
        self.batch = self.split.x_train[:1], self.split.y_train[:1]
        self.hardening = hardening(self.settings.adversarial, self.split, self.model)

    @np.errstate(all="ignore")  # laws speak here, not warnings
    def train(self, run: Run, reporter: Reporter, stop_after: int | None = None) -> dict[str, Any] | None:
        """Run the epochs, write the run folder, score the test set once; return the summary.

        Stops after epoch `stop_after`, if that comes before the last one, and returns None. Raises Violation, its
        failure signature in the run folder.
        """
        last = min(self.settings.epochs, stop_after or self.settings.epochs)
        with threadpool_limits(self.settings.threads or None):
            try:
                self.begin(run, reporter)
                for epoch in range(len(self.epochs) + 1, last + 1):
                    self.learn(epoch, run, reporter)
                return self.finish(run) if last == self.settings.epochs else None
            except Violation as violation:
                raise self.signed(violation, run) from violation

    def signed(self, violation: Violation, run: Run) -> Violation:
        """The violation with the way to make it happen again, whose failure signature is now in the run folder."""
        sizes = {"n_in": int(self.split.x_train.shape[1]), "classes": self.dataset.n_classes}
        phase, batch, steps = self.phase, self.batch, self.trainer.steps
        location = write_failure(run, phase, violation, self.settings, steps, self.before(), batch, sizes)
        return violation.with_fields(replay=str(location), verify=self.settings.own_file(violation.location.file))

    def begin(self, run: Run, reporter: Reporter) -> None:
        """Record what is about to be trained, and judge it: the data each time, the network while it is fresh."""
        if not recorded(run):
            write_record(run, self.settings, self.dataset, self.split)
            write_checkpoint(run, self.tree(run))
        if self.check_log is None:
            return
        started = time.perf_counter()
        reporter.stage("Judging data and network before training")
        self.phase = "data"
        judge(data_case(self.split), self.check_log)
        if not self.epochs:
            self.phase, self.batch = "audit", audit_batch(self.split)
            audit(self.settings, self.model, *self.batch, self.check_log)
        self.audited += time.perf_counter() - started

    def learn(self, epoch: int, run: Run, reporter: Reporter) -> None:
        """One epoch: its steps, its audit, its figures, its checkpoint."""
        begun = time.perf_counter()
        self.start = self.trainer.take_snapshot()
        rows: list[dict[str, Any]] = []
        try:
            for x, labels in self.batches(epoch):
                self.phase, self.batch = "step", (x, labels)
                figures = self.trainer.step(x, labels)
                rows.append({"epoch": epoch} | figures._asdict())
                if figures.step % EVERY == 0:
                    reporter.advance(epoch, figures.step, figures.loss)
        finally:
            run.append_lines("metrics.jsonl", rows)
        self.phase = "weights"
        self.trainer.demand_finite()
        if self.check_log is not None:
            self.phase, self.batch = "epoch", (self.split.x_train[:500], self.split.y_train[:500])
            audit_epoch(self.model, *self.batch, self.check_log)
        seconds = time.perf_counter() - begun
        self.phase, self.batch = "evaluate", (self.split.x_val[:1000], self.split.y_val[:1000])
        row = scores(self.model, self.split, epoch, [r["loss"] for r in rows], seconds)
        row |= user_metrics_row(self.settings.plugins, self.model, self.split)
        self.epochs.append(row)
        run.append_lines("metrics.jsonl", [row])
        if "val_accuracy" in row and (self.best is None or merit(row) > merit(self.epochs[self.best["epoch"] - 1])):
            copies = {name: np.copy(array) for name, array in weights(self.model).items()}
            self.best = {"epoch": epoch, "weights": copies}
        write_checkpoint(run, self.tree(run))
        self.export(run)
        reporter.epoch(row)

    def before(self) -> Snapshot:
        """Everything as it stood before what is under way; before a step, by the epoch's steps taken once more."""
        if self.phase != "step":
            return self.trainer.take_snapshot()
        done = self.trainer.done - self.start.done
        return self.trainer.again(self.start, islice(self.batches(len(self.epochs) + 1), done))

    def finish(self, run: Run) -> dict[str, Any]:
        """Score the test set, once, and write the summary."""
        self.phase, self.batch = "evaluate", (self.split.x_test[:1000], self.split.y_test[:1000])
        probabilities = self.model.predict(self.split.x_test)
        if self.check_log is not None:
            self.phase, self.batch = "reload", audit_batch(self.split)
            judge(self.model_case(*self.batch, run), self.check_log, ["round-trip"])
        run.write_arrays("corpus.safetensors", corpus(self.model, self.split, self.dataset.test_images))
        summary = self.summary(probabilities, read_record(run)["digests"])
        run.write_json("summary.json", summary)
        return summary | {"probabilities": probabilities}

    def tree(self, run: Run) -> dict[str, Any]:
        """All that the next epoch needs, for the checkpoint."""
        return {
            "epochs": self.settings.epochs,
            "rows": self.epochs,
            "metrics_bytes": run.size("metrics.jsonl"),
            "trainer": snapshot_tree(self.trainer.take_snapshot()),
            "best": self.best,
            "judged": self.check_log.checked() if self.check_log else {},
            "audited": self.audited,
        }

    def take_up(self, run: Run, tree: dict[str, Any]) -> None:
        """Stand where the checkpoint of the run stands; what came after it is forgotten."""
        restore_tree(self.trainer, tree["trainer"], run.folder / CHECKPOINT)
        self.epochs, self.best, self.audited = tree["rows"], tree["best"], tree["audited"]
        if self.check_log is not None:
            self.check_log.audits.update(tree["judged"])
        run.cut("metrics.jsonl", tree["metrics_bytes"])
        if self.epochs:
            self.export(run)

    def export(self, run: Run) -> None:
        """Weights and layer state of the last epoch, and of the best one."""
        run.write_arrays("weights.safetensors", weights(self.model), epoch=len(self.epochs))
        if self.best is not None:
            run.write_arrays("best.safetensors", self.best["weights"], epoch=self.best["epoch"])

    def batches(self, epoch: int) -> Iterator[tuple[Array, Array]]:
        """The batches of one epoch, from this epoch's own stream; hardened ones depend on the weights of the moment."""
        chance = stream(np.random.SeedSequence(self.settings.seed), "adversarial", epoch)
        for x, labels in sample_batches(self.settings, self.split, epoch):
            if self.hardening is None:
                yield x, labels
                continue
            start = self.hardening.start(x, chance)
            self.phase, self.batch = "perturb", (start, labels)
            yield self.hardening.ascend(self.model, x, start, labels), labels

    def model_case(self, x: Array, labels: Array, run: Run) -> ModelCase:
        """The trained model, with the way to reload it."""

        def reload() -> Any:
            fresh = build_model(self.settings, x.shape[1], self.dataset.n_classes)
            restore(fresh, read_arrays(run.folder / "weights.safetensors"))
            return fresh

        return ModelCase("network", self.model, lambda rng: None, x, labels, reload)

    def summary(self, probabilities: Array, recorded: dict[str, str]) -> dict[str, Any]:
        """What remains of a run in figures."""
        predicted = probabilities.argmax(axis=1)
        return {
            "test_accuracy": float((predicted == self.split.y_test).mean()),
            "confusion": confusion_matrix(predicted, self.split.y_test, self.dataset.n_classes).tolist(),
            "metrics": user_metric_values(self.settings.plugins, probabilities, self.split.y_test),
            "classes": list(self.dataset.classes),
            "data": self.dataset.name,
            "synthetic": self.dataset.synthetic,
            "mean": self.split.mean,
            "deviation": self.split.deviation,
            "n_in": int(self.split.x_train.shape[1]),
            "epoch_seconds": [row["seconds"] for row in self.epochs],
            "audit_seconds": self.audited,
            "best_epoch": self.best["epoch"] if self.best else None,
            "seed": self.settings.seed,
            "digests": recorded | {"weights": digest(weights(self.model))},
            "versions": versions(),
            "judged": self.check_log.checked() if self.check_log else {},
        }


def prepare(settings: Settings, tell: Progress | None = None) -> Session:
    """Load, check and build everything; `tell` hears how many built-in digits are drawn, where they have to be.

    Raises BadInput; leaves nothing behind but built-in digits in the user's cache folder.
    """
    load_plugins(settings)
    dataset = load(Path(settings.data)) if settings.data else default_digits(tell)
    settings = settings.suited(dataset.n_classes)
    validation = settings.validation
    if validation < 0:
        validation = min(5000, len(dataset.train_images) // 12)
    parts = split(dataset, validation, stream(np.random.SeedSequence(settings.seed), "split"))
    model = build_model(settings, parts.x_train.shape[1], dataset.n_classes)
    check_log = CheckLog() if settings.strict else None
    refuse_alone(settings, model, parts.x_train, parts.y_train)
    count = count_batches(settings, parts)
    trainer = make_trainer(settings, model, settings.epochs * count, check_log)
    return Session(settings, dataset, parts, model, trainer, check_log, count)
