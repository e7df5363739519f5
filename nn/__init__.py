"""nn: a neural network from first principles in NumPy, plugin-style.

    from nn import layer, loss, optimizer, initializer, schedule, batches, metric, model, Layer
"""

from nn.layer import Layer
from nn.registry import batches, initializer, layer, loss, metric, model, optimizer, schedule

__all__ = ["Layer", "batches", "initializer", "layer", "loss", "metric", "model", "optimizer", "schedule"]
