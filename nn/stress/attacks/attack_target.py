"""What an attack sees of a network: pictures in pixel intensity go in, probabilities and gradients come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nnlaw.nn.training.evaluation import clipped_log
from nnlaw.spec.arrays import Array

WHITE = 255  # of a byte


class Target(Protocol):
    """Pictures x (N, D) in [0, 1], where 0 is black and 1 is white; labels (N,)."""

    def probabilities(self, x: Array) -> Array:
        """(N, C)."""
        ...

    def gradient(self, x: Array, labels: Array) -> Array:
        """∂/∂x of the mean loss, (N, D): row n is 1/N of the gradient of sample n's own loss."""
        ...


@dataclass(frozen=True)
class Standardized:
    """A trained model under its standardization s = (255·x − mean)/deviation, hence ∂/∂x = 255/deviation · ∂/∂s."""

    model: Any
    mean: float
    deviation: float

    def probabilities(self, x: Array) -> Array:
        """Of the model, in eval mode."""
        found: Array = self.model.predict(self._standardized(x))
        return found

    def gradient(self, x: Array, labels: Array) -> Array:
        """By the model's own backpropagation, in eval mode."""
        slope: Array = self.model.input_gradient(self._standardized(x), labels)
        return slope * np.float32(WHITE / self.deviation)

    def _standardized(self, x: Array) -> Array:
        return (x.astype(np.float32) * np.float32(WHITE) - np.float32(self.mean)) / np.float32(self.deviation)


def margins(p: Array, labels: Array) -> Array:
    """log p_y − max over j ≠ y of log p_j of each row, (N,) float64; z_y − max z_j under a softmax, < 0 if fooled."""
    rows, log_p = np.arange(len(p)), clipped_log(p)
    own = log_p[rows, labels]
    log_p[rows, labels] = -np.inf
    found: Array = own - log_p.max(axis=1)
    return found
