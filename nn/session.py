"""A training from settings to summary: prepare, audit under --strict, run the epochs, score the test set once."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nn.audits import audit, audit_batch, audit_epoch, data_case, judge
from nn.build import build_model, load_plugins, make_trainer, restore, weights
from nn.data.dataset import Dataset, Split, load_folder, split
from nn.data.digits import built_in
from nn.failure import write_failure
from nn.metrics import confusion
from nn.registry import choose
from nn.run import Run, read_arrays, versions
from nn.settings import Settings
from nn.streams import stream
from nn.trainer import Trainer
from spec.arrays import Array, digest
from spec.cases import ModelCase
from spec.strict import Docket
from spec.violation import Violation

SAMPLE = 5000  # training images on which the training accuracy is measured
EVERY = 50  # steps between two words to the reporter


class Reporter(Protocol):
    """Whoever tells the user how it goes."""

    def stage(self, text: str) -> None: ...
    def advance(self, epoch: int, step: int, loss: float) -> None: ...
    def epoch(self, row: dict[str, Any]) -> None: ...


@dataclass
class Session:
    """A training that is ready to start: data, model, trainer. Nothing is written before `train`."""

    settings: Settings
    dataset: Dataset
    split: Split
    model: Any
    trainer: Trainer
    docket: Docket | None
    epochs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the training split, the last and smaller one included."""
        return -(-len(self.split.x_train) // self.settings.batch_size)

    @np.errstate(all="ignore")  # laws speak here, not warnings
    def train(self, run: Run, reporter: Reporter) -> dict[str, Any]:
        """Run the epochs, write the run folder, score the test set once; return the summary.

        Raises Violation, its failure signature in the run folder.
        """
        run.write("config.toml", self.settings.to_toml().encode())
        phase = "audit"
        batch: tuple[Array, Array] = (self.split.x_train[:1], self.split.y_train[:1])
        started = time.perf_counter()
        try:
            if self.docket is not None:
                reporter.stage("Judging data and network before training")
                phase = "data"
                judge(data_case(self.split), self.docket)
                phase, batch = "audit", audit_batch(self.split)
                audit(self.settings, self.model, *batch, self.docket)
            audited = time.perf_counter() - started
            seconds = []
            for epoch in range(1, self.settings.epochs + 1):
                phase = "step"
                begun = time.perf_counter()
                rows: list[dict[str, Any]] = []
                try:
                    for x, labels in self.batches(epoch):
                        batch = (x, labels)
                        figures = self.trainer.step(x, labels)
                        rows.append({"epoch": epoch} | figures._asdict())
                        if figures.step % EVERY == 0:
                            reporter.advance(epoch, figures.step, figures.loss)
                finally:
                    run.append_lines("metrics.jsonl", rows)
                if self.docket is not None:
                    phase, batch = "epoch", (self.split.x_train[:500], self.split.y_train[:500])
                    audit_epoch(self.model, *batch, self.docket)
                seconds.append(time.perf_counter() - begun)
                phase, batch = "evaluate", (self.split.x_val[:1000], self.split.y_val[:1000])
                row = self.evaluate(epoch, [r["loss"] for r in rows], seconds[-1])
                self.epochs.append(row)
                run.append_lines("metrics.jsonl", [row])
                reporter.epoch(row)
                self.save(run)
            phase, batch = "evaluate", (self.split.x_test[:1000], self.split.y_test[:1000])
            probabilities = self.model.predict(self.split.x_test)
            if self.docket is not None:
                judge(self.model_case(*audit_batch(self.split), run), self.docket, ["round-trip"])
        except Violation as violation:
            sizes = {"n_in": int(self.split.x_train.shape[1]), "classes": self.dataset.n_classes}
            where = write_failure(run, phase, violation, self.settings, self.trainer, batch, sizes)
            raise violation.also(replay=str(where)) from violation
        summary = self.summary(probabilities, seconds, audited)
        run.write_json("summary.json", summary)
        return summary | {"probabilities": probabilities}

    def batches(self, epoch: int) -> Any:
        """The batches of one epoch, from this epoch's own stream."""
        rng = stream(np.random.SeedSequence(self.settings.seed), "shuffle", epoch)
        draw = choose("batches", self.settings.batches).make()
        return draw(self.split.x_train, self.split.y_train, self.settings.batch_size, rng)

    def evaluate(self, epoch: int, losses: list[float], seconds: float) -> dict[str, Any]:
        """The figures of one epoch: mean training loss, accuracy on training images, and on validation images."""
        accuracy = choose("metric", "accuracy").make()
        part = self.split.x_train[:SAMPLE], self.split.y_train[:SAMPLE]
        row = {
            "epoch": epoch,
            "loss": float(np.mean(losses)),
            "train_accuracy": float(accuracy(self.model.predict(part[0]), part[1])),
            "seconds": seconds,
        }
        if len(self.split.x_val):
            p = self.model.predict(self.split.x_val)
            labels = self.split.y_val
            chosen = np.maximum(p[np.arange(len(p)), labels].astype(np.float64), 1e-30)
            row |= {"val_loss": float(-np.log(chosen).mean()), "val_accuracy": float(accuracy(p, labels))}
        return row

    def save(self, run: Run) -> None:
        """Weights and layer state, and the split that they were trained on."""
        run.write_arrays("weights.safetensors", weights(self.model))
        if not (run.folder / "split.npz").exists():
            buffer = io.BytesIO()
            rows = {"train": self.split.train_rows, "validation": self.split.val_rows}
            figures = {"mean": np.array(self.split.mean), "deviation": np.array(self.split.deviation)}
            np.savez_compressed(buffer, allow_pickle=False, **rows, **figures)
            run.write("split.npz", buffer.getvalue())

    def model_case(self, x: Array, labels: Array, run: Run) -> ModelCase:
        """The trained model, with the way to reload it."""

        def reload() -> Any:
            fresh = build_model(self.settings, x.shape[1], self.dataset.n_classes)
            restore(fresh, read_arrays(run.folder / "weights.safetensors"))
            return fresh

        return ModelCase("network", self.model, lambda rng: None, x, labels, reload)

    def summary(self, probabilities: Array, seconds: list[float], audited: float) -> dict[str, Any]:
        """What remains of a run in figures."""
        predicted = probabilities.argmax(axis=1)
        return {
            "test_accuracy": float((predicted == self.split.y_test).mean()),
            "confusion": confusion(predicted, self.split.y_test, self.dataset.n_classes).tolist(),
            "classes": list(self.dataset.classes),
            "data": self.dataset.name,
            "synthetic": self.dataset.synthetic,
            "mean": self.split.mean,
            "deviation": self.split.deviation,
            "n_in": int(self.split.x_train.shape[1]),
            "epoch_seconds": seconds,
            "audit_seconds": audited,
            "seed": self.settings.seed,
            "digests": self.dataset.digests() | {"weights": digest(weights(self.model))},
            "versions": versions(),
            "judged": self.docket.judged() if self.docket else {},
        }


def prepare(settings: Settings) -> Session:
    """Load, check and build everything. Raises BadInput; leaves nothing behind."""
    load_plugins(settings)
    dataset = load_folder(Path(settings.data)) if settings.data else built_in()
    validation = settings.validation
    if validation < 0:
        validation = min(5000, len(dataset.train_images) // 12)
    parts = split(dataset, validation, stream(np.random.SeedSequence(settings.seed), "split"))
    model = build_model(settings, parts.x_train.shape[1], dataset.n_classes)
    docket = Docket() if settings.strict else None
    steps = settings.epochs * -(-len(parts.x_train) // settings.batch_size)
    trainer = make_trainer(settings, model, steps, docket)
    choose("batches", settings.batches)
    return Session(settings, dataset, parts, model, trainer, docket)
