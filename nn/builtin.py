"""Importing this module registers every plugin that comes with nn."""

from nnlaw.nn import batch_samplers as batching
from nnlaw.nn import initializers, layers, losses, metrics, network, optimizers, schedules

__all__ = ["batching", "initializers", "layers", "losses", "metrics", "network", "optimizers", "schedules"]
