"""How good the predictions are, by the built-in metric and by those of the user's plugin files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.data.dataset import Split
from nnlaw.nn.plugins.registry import REGISTRY, metric
from nnlaw.nn.training.evaluation import SAMPLE
from nnlaw.spec.arrays import Array


@metric("accuracy")
def accuracy(probabilities: Array, labels: Array) -> float:
    """The share of samples whose most probable class is the right one."""
    return float((probabilities.argmax(axis=1) == labels).mean())


def confusion(predicted: Array, labels: Array, classes: int) -> Array:
    """Counts (C, C): row = truth, column = prediction."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def own_metrics(plugins: Sequence[str]) -> dict[str, Callable[[Array, Array], float]]:
    """The metrics that the user's plugin files register, by name."""
    files = {Path(name).resolve() for name in plugins}
    metrics = (plugin for plugin in REGISTRY.plugins.values() if plugin.kind == "metric")
    return {plugin.name: plugin.thing for plugin in metrics if Path(plugin.file).resolve() in files}


def own_values(plugins: Sequence[str], probabilities: Array, labels: Array) -> dict[str, float]:
    """What the user's metrics say of probabilities (N, C) beside labels (N,)."""
    return {name: float(measure(probabilities, labels)) for name, measure in own_metrics(plugins).items()}


def own_figures(plugins: Sequence[str], model: Any, parts: Split) -> dict[str, dict[str, float]]:
    """The same of a model, on the validation images, or on the training images without any; {} where none is."""
    if not own_metrics(plugins):
        return {}
    x, labels = (parts.x_val, parts.y_val) if len(parts.x_val) else (parts.x_train[:SAMPLE], parts.y_train[:SAMPLE])
    return {"metrics": own_values(plugins, model.predict(x), labels)}
