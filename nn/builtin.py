"""Importing this module registers every plugin that comes with nn."""

from nn import batching, initializers, layers, losses, metrics, network, optimizers, schedules

__all__ = ["batching", "initializers", "layers", "losses", "metrics", "network", "optimizers", "schedules"]
