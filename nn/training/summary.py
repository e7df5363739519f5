"""The results of a training on the test set, as summary.json records them."""

from __future__ import annotations

from typing import Any

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.metrics import confusion_matrix
from nnlaw.nn.run_folder.metadata import versions
from nnlaw.nn.training.evaluation import user_metric_values
from nnlaw.spec.arrays import Array


def summarize(settings: Settings, split: Split, probabilities: Array) -> dict[str, Any]:
    """Test accuracy, confusion matrix, metrics and data, from the probabilities (N, C) of the test images."""
    data, labels = split.dataset, split.y_test
    predicted = probabilities.argmax(axis=1)
    return {
        "test_accuracy": float((predicted == labels).mean()),
        "confusion": confusion_matrix(predicted, labels, data.n_classes).tolist(),
        "metrics": user_metric_values(settings.plugins, probabilities, labels),
        "classes": list(data.classes),
        "data": data.name,
        "synthetic": data.synthetic,
        "mean": split.mean,
        "deviation": split.deviation,
        "n_in": int(split.x_train.shape[1]),
        "seed": settings.seed,
        "versions": versions(),
    }
