"""How a training is told: the lines of the transcript, a live bar on a terminal, tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import numpy as np

if TYPE_CHECKING:
    from nn.session import Session
    from spec.arrays import Array


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
        """An epoch is done: its loss, and its accuracy on validation images, or on training images without any."""
        accuracy = row.get("val_accuracy", row["train_accuracy"])
        self.say(f"Epoch {row['epoch']}/{self.epochs}:  Loss = {row['loss']:.3f}, Accuracy = {accuracy:.1%}")

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
    widths = getattr(model, "widths", None) or [session.split.x_train.shape[1], session.dataset.n_classes]
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
    """The confusion matrix, truth down, prediction across, with the accuracy of each class."""
    width = max(6, *(len(name) + 1 for name in classes))
    lines = ["Confusion matrix (rows: truth, columns: prediction):"]
    lines.append(" " * width + "".join(f"{name:>{width}}" for name in classes) + "   right")
    for name, row in zip(classes, table, strict=True):
        right = row[list(classes).index(name)] / max(1, sum(row))
        lines.append(f"{name:>{width}}" + "".join(f"{n:>{width},}" for n in row) + f"  {right:6.1%}")
    return lines


def mistake_lines(images: Array, truth: Array, predicted: Array, classes: Sequence[str]) -> list[str]:
    """The first five misclassified digits, drawn side by side."""
    from nn.figures import braille

    drawn = [braille(image) for image in images[:5]]
    if not drawn:
        return ["No test image was misclassified."]
    lines = ["Misclassified, for example:"]
    lines += ["  " + "  ".join(digit[row] for digit in drawn) for row in range(len(drawn[0]))]
    captions = (f"{classes[t]} read as {classes[p]}" for t, p in zip(truth[:5], predicted[:5], strict=True))
    lines.append("  " + "  ".join(f"{text:<{len(drawn[0][0])}}" for text in captions))
    return lines
