"""Importing this module registers every plugin that comes with nn."""

from nnlaw.nn import batch_samplers, initializers, layers, losses, metrics, network, optimizers, schedules

__all__ = ["batch_samplers", "initializers", "layers", "losses", "metrics", "network", "optimizers", "schedules"]
