"""How good a model is: the metrics of an epoch, which of two epochs is better, and the user's own metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.data.dataset import Split
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.spec.arrays import Array

SAMPLE = 5000  # training images on which the training accuracy is measured
CORPUS = 100  # test images whose probabilities are stored with the run


def epoch_metrics(model: Any, split: Split, epoch: int, losses: list[float], seconds: float) -> dict[str, Any]:
    """The metrics of one epoch: mean training loss, training accuracy, validation loss and accuracy.

    `val_loss` is the trained loss if the model has `mean_loss`; otherwise `val_cross_entropy` is recorded.
    """
    accuracy = choose("metric", "accuracy").make()
    part = split.x_train[:SAMPLE], split.y_train[:SAMPLE]
    row = {
        "epoch": epoch,
        "loss": float(np.mean(losses)),
        "train_accuracy": float(accuracy(model.predict(part[0]), part[1])),
        "seconds": seconds,
    }
    if len(split.x_val):
        p, labels = model.predict(split.x_val), split.y_val
        if getattr(model, "mean_loss", None) is not None:
            row["val_loss"] = model.mean_loss(split.x_val, labels)
        else:
            row["val_cross_entropy"] = cross_entropy(p, labels)
        row["val_accuracy"] = float(accuracy(p, labels))
    return row


def cross_entropy(p: Array, labels: Array) -> float:
    """Mean cross-entropy of probabilities p (N, C) and labels (N,)."""
    return float(cross_entropies(p, labels).mean())


def cross_entropies(p: Array, labels: Array) -> Array:
    """−log p_y of each row, (N,) float64; at most about 69, as `clipped_log` bounds it."""
    found: Array = -clipped_log(p[np.arange(len(p)), labels])
    return found


def clipped_log(p: Array) -> Array:
    """log p in float64; values below 1e-30 count as 1e-30."""
    found: Array = np.log(np.maximum(p.astype(np.float64), 1e-30))
    return found


def validation_rank(row: dict[str, Any]) -> tuple[float, float]:
    """The better of two epochs has the larger rank: validation accuracy first, then the negative validation loss."""
    return row["val_accuracy"], -(row["val_loss"] if "val_loss" in row else row["val_cross_entropy"])


def prediction_corpus(model: Any, split: Split, test_images: Array) -> dict[str, Array]:
    """The first 100 test images, their labels, and their probabilities (N, C) by the last weights."""
    rows = slice(0, CORPUS)
    probabilities = model.predict(split.x_test[rows])
    return {"images": test_images[rows], "labels": split.y_test[rows], "probabilities": probabilities}


def user_metrics(plugins: Sequence[str]) -> dict[str, Callable[[Array, Array], float]]:
    """The metrics that the user's plugin files register, by name."""
    files = {Path(name).resolve() for name in plugins}
    metrics = (plugin for plugin in REGISTRY.plugins.values() if plugin.kind == "metric")
    return {plugin.name: plugin.thing for plugin in metrics if Path(plugin.file).resolve() in files}


def user_metric_values(plugins: Sequence[str], probabilities: Array, labels: Array) -> dict[str, float]:
    """The user's metrics of probabilities (N, C) and labels (N,)."""
    return {name: float(measure(probabilities, labels)) for name, measure in user_metrics(plugins).items()}


def user_metrics_row(plugins: Sequence[str], model: Any, parts: Split) -> dict[str, dict[str, float]]:
    """The user's metrics of a model on the validation images, or on training images without any; {} if there are none.
    """
    if not user_metrics(plugins):
        return {}
    x, labels = (parts.x_val, parts.y_val) if len(parts.x_val) else (parts.x_train[:SAMPLE], parts.y_train[:SAMPLE])
    return {"metrics": user_metric_values(plugins, model.predict(x), labels)}
