"""Importing this module registers every plugin that comes with nn."""

from nn import batches, initializers, layers, losses, metrics, network, optimizers, schedules

__all__ = ["batches", "initializers", "layers", "losses", "metrics", "network", "optimizers", "schedules"]
