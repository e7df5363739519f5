"""A neural network from first principles in NumPy, made of plugins.

    from nnlaw.nn import layer, loss, optimizer, initializer, schedule, batches, metric, model, Layer
"""

from nnlaw.nn.plugins.base_layer import Layer
from nnlaw.nn.plugins.registry import batches, initializer, layer, loss, metric, model, optimizer, schedule

__all__ = ["Layer", "batches", "initializer", "layer", "loss", "metric", "model", "optimizer", "schedule"]

if __name__ != "nnlaw.nn":  # under a second name everything would be registered twice
    raise ImportError("import nnlaw.nn, not nn: the package is called nnlaw")
