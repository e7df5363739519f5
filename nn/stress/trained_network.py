"""The trained network that scenarios attack or test, and randomly drawn test images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlaw.nn.stress.attacks.attack_target import WHITE, Standardized
from nnlaw.nn.stress.scenario import Context, Skip
from nnlaw.spec.arrays import Array


@dataclass(frozen=True)
class TrainedNetwork:
    """A network, images x (N, D) in [0, 1], their labels (N,), and the images' height and width."""

    target: Standardized
    x: Array
    labels: Array
    shape: tuple[int, int]
    classes: tuple[str, ...]

    def accuracy(self, x: Array) -> float:
        """The share of the images x that are predicted as labeled."""
        return float((self.target.probabilities(x).argmax(axis=1) == self.labels).mean())

    def predictions(self, x: Array) -> list[str]:
        """The names of the predicted classes."""
        return [self.classes[c] for c in self.target.probabilities(x).argmax(axis=1)]

    def as_images(self, x: Array) -> Array:
        """Rows of pixels as images (N, H, W)."""
        return x.reshape(-1, *self.shape)


def trained_network(context: Context, quick: int, full: int) -> TrainedNetwork:
    """The network with `quick` randomly drawn test images, or `full` ones if thorough; at most as many as there are."""
    data = context.split.dataset
    count = min(full if context.full else quick, len(data.test_images))
    rows = np.sort(context.rng.permutation(len(data.test_images))[:count])
    x = (data.test_images[rows].reshape(count, -1) / WHITE).astype(np.float32)
    reader = context.reader
    target = Standardized(reader.model, reader.mean, reader.deviation)
    height, width = data.test_images.shape[1:]
    return TrainedNetwork(target, x, context.split.y_test[rows], (height, width), reader.classes)


def differentiable_network(context: Context, quick: int, full: int) -> TrainedNetwork:
    """The same. Raises Skip if the model has no gradient of its input."""
    found = trained_network(context, quick, full)
    if not hasattr(found.target.model, "input_gradient"):
        raise Skip("the model has no input_gradient(x, labels), so gradient attacks are impossible")
    return found
