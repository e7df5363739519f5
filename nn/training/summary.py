"""The summary of a finished training: test accuracy, metrics, digests, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnlaw.nn.metrics import confusion_matrix
from nnlaw.nn.run_folder.metadata import versions
from nnlaw.nn.training.build import named_arrays
from nnlaw.nn.training.evaluation import user_metric_values
from nnlaw.spec.arrays import Array, digest

if TYPE_CHECKING:
    from nnlaw.nn.training.session import Session


def summarize(session: Session, probabilities: Array, data_digests: dict[str, str]) -> dict[str, Any]:
    """The content of summary.json, from the probabilities (N, C) of the test images."""
    dataset, parts, settings = session.dataset, session.split, session.settings
    predicted = probabilities.argmax(axis=1)
    return {
        "test_accuracy": float((predicted == parts.y_test).mean()),
        "confusion": confusion_matrix(predicted, parts.y_test, dataset.n_classes).tolist(),
        "metrics": user_metric_values(settings.plugins, probabilities, parts.y_test),
        "classes": list(dataset.classes),
        "data": dataset.name,
        "synthetic": dataset.synthetic,
        "mean": parts.mean,
        "deviation": parts.deviation,
        "n_in": int(parts.x_train.shape[1]),
        "epoch_seconds": [row["seconds"] for row in session.epochs],
        "audit_seconds": session.check_seconds,
        "best_epoch": session.best["epoch"] if session.best else None,
        "seed": settings.seed,
        "digests": data_digests | {"weights": digest(named_arrays(session.model))},
        "versions": versions(),
        "judged": session.check_log.checked() if session.check_log else {},
    }
