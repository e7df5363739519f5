"""The laws themselves, one file per kind. Importing this package fills the catalogue."""

from spec.laws import (
    batches,
    calls,
    data,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    schedules,
    textbook,
    training,
)

__all__ = [
    "batches",
    "calls",
    "data",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "schedules",
    "textbook",
    "training",
]
