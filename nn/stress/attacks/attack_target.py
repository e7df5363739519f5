"""The interface that an attack needs of a network: images in, probabilities and input gradients out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nnlaw.nn.training.evaluation import clipped_log
from nnlaw.spec.arrays import Array

WHITE = 255  # of a byte


class Target(Protocol):
    """A classifier of images x (N, D) in [0, 1], from black to white, with labels (N,)."""

    def probabilities(self, x: Array) -> Array:
        """The class probabilities, (N, C)."""
        ...

    def gradient(self, x: Array, labels: Array) -> Array:
        """∂/∂x of the mean loss, (N, D): row n is 1/N of the gradient of the loss of sample n."""
        ...


@dataclass(frozen=True)
class Standardized:
    """A trained model under its standardization s = (255·x − mean)/deviation, hence ∂/∂x = 255/deviation · ∂/∂s."""

    model: Any
    mean: float
    deviation: float

    def probabilities(self, x: Array) -> Array:
        """The model's probabilities, in evaluation mode."""
        found: Array = self.model.predict(self._standardized(x))
        return found

    def gradient(self, x: Array, labels: Array) -> Array:
        """The model's input gradient by backpropagation, in evaluation mode."""
        slope: Array = self.model.input_gradient(self._standardized(x), labels)
        return slope * np.float32(WHITE / self.deviation)

    def _standardized(self, x: Array) -> Array:
        return (x.astype(np.float32) * np.float32(WHITE) - np.float32(self.mean)) / np.float32(self.deviation)


def margins(p: Array, labels: Array) -> Array:
    """log p_y − max over j ≠ y of log p_j of each row, (N,) float64; negative if the row is misclassified.

    With a softmax it equals z_y − max z_j.
    """
    rows, log_p = np.arange(len(p)), clipped_log(p)
    own = log_p[rows, labels]
    log_p[rows, labels] = -np.inf
    found: Array = own - log_p.max(axis=1)
    return found
