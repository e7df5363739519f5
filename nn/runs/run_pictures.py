"""Write the pictures of a finished run: curves.png and mistakes.png."""

from __future__ import annotations

from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.plots import MAX_MISTAKES, plot_curves, plot_mistakes
from nnlaw.nn.training.session import Session
from nnlaw.spec.arrays import Array


def write_pictures(session: Session, run: Run, summary: dict[str, Any]) -> tuple[Array, Array, Array]:
    """Write the pictures of the run; return the misclassified test images, their labels and predictions."""
    truth = session.split.y_test
    predicted = summary["probabilities"].argmax(axis=1)
    wrong = (predicted != truth).nonzero()[0]
    total, confidence = len(truth), summary["probabilities"].max(axis=1)[wrong]
    images, truth, predicted = session.dataset.test_images[wrong], truth[wrong], predicted[wrong]
    classes, settings, name = session.dataset.classes, session.settings, _printable(run.folder.name)
    recipe = settings.layers if settings.model == "network" else settings.model
    title = f"{name}: {recipe}, {settings.optimizer}, lr {settings.lr:g}"
    title = f"{title[:100]}\ntest accuracy {summary['test_accuracy']:.1%} on {_printable(session.dataset.name)}"
    shown = f"{name}: {min(len(images), MAX_MISTAKES)} of {len(images):,} mistakes among {total:,} test images"
    run.write_picture("curves.png", lambda path: plot_curves(session.epochs, path, title))
    run.write_picture(
        "mistakes.png", lambda path: plot_mistakes(images, truth, predicted, classes, path, confidence, shown)
    )
    return images, truth, predicted


def _printable(name: str) -> str:
    """A name from outside, on one line of a picture."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
