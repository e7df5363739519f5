"""How a training is told: the lines of the transcript, a live bar on a terminal, tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import numpy as np

if TYPE_CHECKING:
    from nnlaw.nn.training.session import Session
    from nnlaw.spec.arrays import Array

WIDEST = 5  # letters of a class that heads a column of the confusion matrix; longer ones are numbered


class Teller:
    """Tells the progress of a training: a live bar on a terminal, plain lines elsewhere."""

    def __init__(self, epochs: int, steps: int) -> None:
        self.epochs, self.steps = epochs, steps
        self.bar: Any = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self.bar = Progress(*columns, auto_refresh=False, transient=True)
            self.task = self.bar.add_task("starting", total=epochs * steps)
            self.bar.start()

    def say(self, line: str) -> None:
        """One plain line, above the bar where there is one."""
        if self.bar is not None:
            self.bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            click.echo(line)

    def stage(self, text: str) -> None:
        """A stage that takes more than a moment."""
        self.say(f"{text}...")

    def advance(self, epoch: int, step: int, loss: float) -> None:
        """Some steps are done."""
        if self.bar is not None:
            self.bar.update(self.task, completed=step, description=f"epoch {epoch}/{self.epochs}  loss {loss:.3f}")
            self.bar.refresh()

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch is done: its loss, and on validation images, or on training images without any, its accuracy and
        what the user's metrics say."""
        accuracy = row.get("val_accuracy", row["train_accuracy"])
        own = "".join(f", {name} = {value:.4g}" for name, value in row.get("metrics", {}).items())
        self.say(f"Epoch {row['epoch']}/{self.epochs}:  Loss = {row['loss']:.3f}, Accuracy = {accuracy:.1%}{own}")

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()


def dataset_lines(session: Session) -> list[str]:
    """What is trained on and tested on, with the class counts of each split."""
    data, parts = session.dataset, session.split
    lines = [
        f"  Training: {len(data.train_images):,} images",
        f"  Test: {len(data.test_images):,} images",
    ]
    if data.synthetic:
        lines.append(f"  These are {data.name}, drawn by code: no accuracy here says anything about MNIST")
    lines.append(f"  Learning from {len(parts.x_train):,}, validating on {len(parts.x_val):,}")
    for name, labels in (("training", parts.y_train), ("validation", parts.y_val), ("test", parts.y_test)):
        counts = np.bincount(labels, minlength=data.n_classes)
        classes = ", ".join(f"{c}: {n:,}" for c, n in zip(data.classes, counts, strict=True))
        lines.append(f"  Images per class, {name}: {classes}")
    return lines


def architecture_lines(session: Session) -> list[str]:
    """The network in numbers: one line per layer with weights, and the total."""
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
    lines.append(
        f"  Total: {weights:,} weights + {biases:,} biases = {weights + biases:,} trainable parameters"
    )
    return lines


def confusion_lines(table: Sequence[Sequence[int]], classes: Sequence[str]) -> list[str]:
    """The confusion matrix, truth down, prediction across, with the accuracy of each class; long names are numbered."""
    numbered = max(map(len, classes)) > WIDEST
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
    """The first five misclassified digits, drawn side by side."""
    from nnlaw.nn.runs.plots import braille

    drawn = [braille(image) for image in images[:5]]
    if not drawn:
        return ["No test image was misclassified."]
    lines = ["Misclassified, for example:"]
    captions = [f"{classes[t]} read as {classes[p]}" for t, p in zip(truth[:5], predicted[:5], strict=True)]
    width = max(len(drawn[0][0]), *map(len, captions))
    for texts in (*zip(*drawn, strict=True), captions):
        lines.append("  " + "  ".join(f"{text:<{width}}" for text in texts))
    return lines
