"""How far an attack may go: all pictures within eps of the clean one, in pixel intensity, that are pictures at all.

    Ball("inf", 0.1)     no pixel changes by more than a tenth of white        max |δᵢ| ≤ ε
    Ball("2", 1.5)       the whole change has no more than this length         √Σ δᵢ² ≤ ε
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

NORMS = ("inf", "2")


def lengths(delta: Array) -> Array:
    """√Σᵢ δᵢ² of each row, (N, 1)."""
    found: Array = np.sqrt(np.einsum("nd,nd->n", delta, delta))[:, None]
    return found


@dataclass(frozen=True)
class NormBall:
    """A norm and its radius eps. Raises BadInput for another norm, or a radius that is no number from 0 up."""

    norm: str
    eps: float

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise BadInput(f"norm {self.norm!r}, expected one of {', '.join(NORMS)}")
        if not 0 <= self.eps < np.inf:
            raise BadInput(f"eps = {self.eps}, expected a finite number from 0 up")

    def size(self, delta: Array) -> Array:
        """The norm of each row, (N,)."""
        return np.abs(delta).max(axis=1) if self.norm == "inf" else lengths(delta)[:, 0]

    def uphill(self, gradient: Array) -> Array:
        """The step of norm 1 along which a linear function rises most: sign(g) for "inf", g/‖g‖ for "2".

        Where the gradient is zero, so is the step. Source: I. Goodfellow, J. Shlens, C. Szegedy, ICLR 2015, section 4.
        """
        if self.norm == "inf":
            return np.sign(gradient)
        largest = np.abs(gradient).max(axis=1, keepdims=True)  # g·g of a tiny gradient would be 0
        scaled = gradient / np.where(largest > 0, largest, 1)
        return np.where(largest > 0, scaled / np.maximum(lengths(scaled), 1), 0)

    def draw(self, x: Array, rng: np.random.Generator) -> Array:
        """Somewhere in the ball around x: uniform in the cube for "inf"; for "2" uniform in the ball, u^(1/D)·g/‖g‖·ε
        with g Gaussian and u uniform. Clipped to the box."""
        if self.norm == "inf":
            delta = 2 * rng.random(x.shape, dtype=x.dtype) - 1
        else:
            direction = rng.standard_normal(x.shape, dtype=x.dtype)
            far = rng.random((len(x), 1)) ** (1 / x.shape[1])
            delta = direction / lengths(direction) * far.astype(x.dtype)
        return self.project(x, x + x.dtype.type(self.eps) * delta)

    def project(self, x: Array, moved: Array) -> Array:
        """The picture nearest to `moved` that lies in the ball around x, then clipped to [0, 1].

        Clipping moves each pixel towards x, which lies in the box, so it does not leave the ball.
        """
        eps = x.dtype.type(self.eps)
        if self.norm == "inf":
            near = np.clip(moved, x - eps, x + eps)
        else:
            delta = moved - x
            near = x + delta * (eps / np.maximum(lengths(delta), eps)) if eps else x
        found: Array = np.clip(near, 0, 1)
        return found
