"""The laws themselves, one file per kind. Importing this package fills the catalogue."""

from spec.laws import (
    calls,
    data,
    layers,
    layers_backward,
    layers_batch,
    layers_claims,
    layers_named,
    losses,
    models,
    training,
)

__all__ = [
    "calls",
    "data",
    "layers",
    "layers_backward",
    "layers_batch",
    "layers_claims",
    "layers_named",
    "losses",
    "models",
    "training",
]
