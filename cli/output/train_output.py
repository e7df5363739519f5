"""The output of a training: lines of text, a progress bar on a terminal, tables."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlaw.cli.output.streams import as_line, echo
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.plots import braille
from nnlaw.nn.training.session import Session
from nnlaw.spec.arrays import Array

UNBALANCED = 2  # so many times as many images of one class as of another
MAX_LETTERS = 5  # of class names above the columns of the confusion matrix; longer names are numbered


class ProgressPrinter:
    """A Reporter that prints one line per epoch, and shows a progress bar if the output is a terminal."""

    def __init__(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self.bar: Any = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            from nnlaw.cli.output.console import console

            texts = TextColumn("{task.description}"), TextColumn("{task.fields[rate]}")
            columns = (texts[0], BarColumn(20), texts[1], TimeRemainingColumn(), TextColumn("left"))
            self.bar = Progress(*columns, console=console(), auto_refresh=False, transient=True)
            self.task = self.bar.add_task("starting", total=epochs * steps, rate="")
            self.bar.start()

    def print_line(self, line: str) -> None:
        """Print a line, above the bar if there is one."""
        if self.bar is not None:
            self.bar.console.print(as_line(line), soft_wrap=True)
        else:
            echo(line)

    def status(self, text: str) -> None:
        """Print that work begins which takes more than a moment."""
        self.print_line(f"{text}...")

    def advance(self, epoch: int, step: int, loss: float) -> None:
        """Update the progress bar."""
        if self.bar is not None:
            text, speed = f"epoch {epoch}/{self.epochs}  loss {loss:.3f}", self.bar.tasks[0].speed
            rate = f"{speed:,.0f} steps/s" if speed else ""
            self.bar.update(self.task, completed=step, description=text, rate=rate)
            self.bar.refresh()

    def epoch(self, row: dict[str, Any]) -> None:
        """Print loss, accuracy and the user's metrics, on validation images if there are any, and the time."""
        accuracy = row.get("val_accuracy", row["train_accuracy"])
        line = f"Epoch {row['epoch']}/{self.epochs}:  Loss = {row['loss']:.3f}, Accuracy = {accuracy:.1%}"
        validation = row.get("val_loss", row.get("val_cross_entropy"))
        line += "" if validation is None else f", Validation loss = {validation:.3f}"
        line += "".join(f", {name} = {value:.4g}" for name, value in row.get("metrics", {}).items())
        seconds = row.get("seconds")  # absent where a bundle is trained in another process
        self.print_line(line if seconds is None else f"{line}, {seconds:.1f} s")

    def close(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.stop()


def dataset_lines(session: Session) -> list[str]:
    """The sizes of the splits, and the number of images per class of a split with UNBALANCED classes."""
    data, parts = session.dataset, session.split
    lines = [
        f"  Training: {len(data.train_images):,} images",
        f"  Test: {len(data.test_images):,} images",
    ]
    if data.synthetic:
        lines.append(f"  These are {data.name}; MNIST gives other accuracies")
    lines.append(f"  Training on {len(parts.x_train):,}, validating on {len(parts.x_val):,}")
    for name, labels in (("training", parts.y_train), ("validation", parts.y_val), ("test", parts.y_test)):
        counts = np.bincount(labels, minlength=data.n_classes)
        if not len(labels) or counts.max() <= UNBALANCED * counts.min():
            continue
        classes = ", ".join(f"{c}: {n:,}" for c, n in zip(data.classes, counts, strict=True))
        lines.append(f"  Images per class, {name}: {classes}")
    return lines


def architecture_lines(session: Session) -> list[str]:
    """The sizes of the network: one line per layer with weights, the total, and a table of all layers."""
    model = session.model
    arrays = dict(model.params)
    matrices = {name: array for name, array in arrays.items() if array.ndim > 1}
    biases = sum(array.size for name, array in arrays.items() if array.ndim <= 1)
    weights = sum(array.size for array in matrices.values())
    widths = [session.split.x_train.shape[1]]
    layered = hasattr(model, "layers")
    widths += [array.shape[1] for array in matrices.values()] if layered else [session.dataset.n_classes]
    lines = [f"Network architecture: {' → '.join(map(str, widths))}"]
    for i, array in enumerate(matrices.values(), 1):
        rows, columns = array.shape[0], int(np.prod(array.shape[1:]))
        sizes = f"{rows} inputs × {columns} outputs" if i == 1 else f"{rows} × {columns}"
        lines.append(f"  Layer {i}: {sizes} = {array.size:,} weights")
    lines.append(f"  Total: {weights:,} weights + {biases:,} biases = {weights + biases:,} trainable parameters")
    return lines + layer_table(model)


def layer_table(model: Any) -> list[str]:
    """One line per layer: name, shape of a sample before and after it, number of parameters; [] for other models."""
    if not hasattr(model, "shapes"):
        return []
    sizes = ["×".join(map(str, shape)) for shape in model.shapes]
    rows = [("layer", "in", "out", "parameters")]
    for name, layer, before, after in zip(model.layer_names, model.layers, sizes, sizes[1:], strict=False):
        rows.append((name, before, after, f"{sum(array.size for array in layer.params.values()):,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"  {name:<{widths[0]}}  {before:>{widths[1]}}  {after:>{widths[2]}}  {count:>{widths[3]}}"
        for name, before, after, count in rows
    ]


def training_lines(session: Session) -> list[str]:
    """The algorithm, and what loss and accuracy are measured on."""
    settings, validation = session.settings, len(session.split.x_val)
    lines = [f"Training with mini-batch gradient descent (batch_size={settings.batch_size}, lr={settings.lr:g})"]
    if settings.adversarial:
        lines.append(f"  Adversarial training: pixels are changed by up to {settings.adversarial:g} to raise the loss")
    images = f"{validation:,} validation" if validation else "training"
    lines.append(f"  Loss: mean of the epoch. Accuracy: {images} images after it")
    return lines


def test_lines(summary: dict[str, Any]) -> list[str]:
    """Accuracy and the user's metrics on the test set, with a warning if all images get the same class."""
    lines = [f"Test set accuracy: {summary['test_accuracy']:.1%}"]
    predicted = [i for i, column in enumerate(zip(*summary["confusion"], strict=True)) if any(column)]
    if len(predicted) == 1 and sum(any(row) for row in summary["confusion"]) > 1:
        lines.append(
            f"Warning: the network predicts class {summary['classes'][predicted[0]]} for every test image; its output "
            "does not depend on the input (--strict names the law that fails)"
        )
    return lines + [f"Test set {name}: {value:.4g}" for name, value in summary["metrics"].items()]


def closing_lines(summary: dict[str, Any], run: Run) -> list[str]:
    """The number of checks if strict, the run folder, the result and the next command."""
    lines: list[str] = []
    if checks := summary["judged"]:
        lines.append(f"Every law passed: {len(checks)} laws, {sum(checks.values()):,} checks")
    lines.append(f"Run folder: {run.folder}")
    lines.append("  curves.png, mistakes.png, metrics.jsonl, weights.safetensors, ...")
    lines.append(f"Test accuracy {summary['test_accuracy']:.1%}; classify a picture with:")
    lines.append(f"  nn predict digit.png --run {shlex.quote(str(run.folder))}")
    return lines


def confusion_lines(table: Sequence[Sequence[int]], classes: Sequence[str]) -> list[str]:
    """The confusion matrix (rows: truth, columns: prediction) with the accuracy per class; long names are numbered."""
    numbered = max(map(len, classes)) > MAX_LETTERS
    heads = [str(i) for i in range(len(classes))] if numbered else list(classes)
    names = [f"{name} {head}" for name, head in zip(classes, heads, strict=True)] if numbered else heads
    side, width = (1 + max(map(len, column)) for column in (names, heads + [f"{n:,}" for row in table for n in row]))
    lines = ["Confusion matrix (rows: truth, columns: prediction):"]
    lines.append(" " * side + "".join(f"{head:>{width}}" for head in heads) + "   right")
    for i, (name, row) in enumerate(zip(names, table, strict=True)):
        right = row[i] / max(1, sum(row))
        lines.append(f"{name:>{side}}" + "".join(f"{n:>{width},}" for n in row) + f"  {right:6.1%}")
    return lines


def mistake_lines(images: Array, truth: Array, predicted: Array, classes: Sequence[str]) -> list[str]:
    """The first five misclassified digits side by side."""
    pictures = [braille(image) for image in images[:5]]
    if not pictures:
        return ["No test image was misclassified."]
    lines = ["Misclassified, for example:"]
    captions = [f"{classes[t]} read as {classes[p]}" for t, p in zip(truth[:5], predicted[:5], strict=True)]
    width = max(len(pictures[0][0]), *map(len, captions))
    for texts in (*zip(*pictures, strict=True), captions):
        lines.append("  " + "  ".join(f"{text:<{width}}" for text in texts))
    return lines
