"""The laws themselves, one file per kind. Importing this package fills the catalogue."""

from spec.laws import (
    batches,
    calls,
    data,
    initializers,
    layers,
    layers_backward,
    layers_batch,
    layers_claims,
    layers_named,
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
    "layers_backward",
    "layers_batch",
    "layers_claims",
    "layers_named",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "schedules",
    "textbook",
    "training",
]
