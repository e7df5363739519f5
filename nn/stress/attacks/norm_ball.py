"""The set of images that an attack may use: those within eps of the clean image, with pixels in [0, 1].

    NormBall("inf", 0.1)     no pixel changes by more than 0.1          max |δᵢ| ≤ ε
    NormBall("2", 1.5)       the L2 norm of the change is at most 1.5   √Σ δᵢ² ≤ ε
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

NORMS = ("inf", "2")


def l2_norms(delta: Array) -> Array:
    """√Σᵢ δᵢ² of each row, (N, 1)."""
    found: Array = np.sqrt(np.einsum("nd,nd->n", delta, delta))[:, None]
    return found


@dataclass(frozen=True)
class NormBall:
    """A norm and a radius eps. Raises BadInput for another norm, or if eps is negative or not finite."""

    norm: str
    eps: float

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise BadInput(f"norm {self.norm!r}, expected {' or '.join(NORMS)}")
        if not 0 <= self.eps < np.inf:
            raise BadInput(f"eps = {self.eps}, expected a finite number, 0 or more")

    def norms(self, delta: Array) -> Array:
        """The norm of each row, (N,)."""
        return np.abs(delta).max(axis=1) if self.norm == "inf" else l2_norms(delta)[:, 0]

    def steepest_step(self, gradient: Array) -> Array:
        """The step of norm 1 that raises a linear function most: sign(g) for "inf", g/‖g‖ for "2"; 0 if g is 0.

        Source: I. Goodfellow, J. Shlens, C. Szegedy, ICLR 2015, section 4.
        """
        if self.norm == "inf":
            return np.sign(gradient)
        largest = np.abs(gradient).max(axis=1, keepdims=True)  # g·g of a tiny gradient would be 0
        scaled = gradient / np.where(largest > 0, largest, 1)
        return np.where(largest > 0, scaled / np.maximum(l2_norms(scaled), 1), 0)

    def sample(self, x: Array, rng: np.random.Generator) -> Array:
        """A random point of the ball around x, clipped to [0, 1].

        Uniform in the cube for "inf"; uniform in the ball for "2", as u^(1/D)·g/‖g‖·ε with g Gaussian and u uniform.
        """
        if self.norm == "inf":
            delta = 2 * rng.random(x.shape, dtype=x.dtype) - 1
        else:
            direction = rng.standard_normal(x.shape, dtype=x.dtype)
            radius = rng.random((len(x), 1)) ** (1 / x.shape[1])
            delta = direction / l2_norms(direction) * radius.astype(x.dtype)
        return self.project(x, x + x.dtype.type(self.eps) * delta)

    def project(self, x: Array, moved: Array) -> Array:
        """The point of the ball around x nearest to `moved`, then clipped to [0, 1].

        Clipping moves each pixel toward x, which is in [0, 1], so the point stays in the ball.
        """
        eps = x.dtype.type(self.eps)
        if self.norm == "inf":
            near = np.clip(moved, x - eps, x + eps)
        else:
            delta = moved - x
            near = x + delta * (eps / np.maximum(l2_norms(delta), eps)) if eps else x
        found: Array = np.clip(near, 0, 1)
        return found
