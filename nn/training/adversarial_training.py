"""Adversarial training: each batch is moved, within eps, to where the network is worse, and learnt from there.

    for x, labels in drawn:
        start = hardening.start(x, rng)                  # anywhere within eps of x
        x = hardening.ascend(model, x, start, labels)    # one step uphill from there, back within eps of x

`nn train --adversarial 0.1`. Source: E. Wong, L. Rice, J. Z. Kolter, Fast is better than free, ICLR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaw.nn.data.dataset import Split
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

WHITE = 255  # of a byte; eps is a share of it
STRIDE = 1.25  # length of the step in eps, as the source found best


@dataclass(frozen=True)
class Hardening:
    """The largest change of a standardized pixel, and the values that a pixel can have."""

    eps: np.float32
    black: np.float32
    white: np.float32

    @classmethod
    def of(cls, eps: float, parts: Split) -> Hardening:
        """From eps in pixel intensity, where black is 0 and white is 1: eps·255/deviation in standardized units."""
        pixel = np.array([0, WHITE])
        black, white = ((pixel - parts.mean) / parts.deviation).astype(np.float32)
        return cls(np.float32(eps * WHITE / parts.deviation), black, white)

    def start(self, x: Array, rng: np.random.Generator) -> Array:
        """x + δ, each δᵢ uniform in [−ε, ε); clipped to black and white."""
        delta = self.eps * (2 * rng.random(x.shape, dtype=np.float32) - 1)
        found: Array = np.clip(x + delta, self.black, self.white)
        return found

    def ascend(self, model: Any, x: Array, start: Array, labels: Array) -> Array:
        """clip(start + 1.25 ε·sign(∂L/∂x at start)) to within ε of x, and to black and white."""
        moved: Array = start + np.float32(STRIDE) * self.eps * np.sign(model.input_gradient(start, labels))
        np.clip(moved, x - self.eps, x + self.eps, out=moved)
        np.clip(moved, self.black, self.white, out=moved)
        return moved


def hardening(eps: float, parts: Split, model: Any) -> Hardening | None:
    """None for eps = 0. Raises BadInput where the model does not tell the gradient of its input."""
    if eps and not hasattr(model, "input_gradient"):
        raise BadInput(f"--adversarial {eps:g}: the model has no input_gradient(x, labels), expected one to climb")
    return Hardening.of(eps, parts) if eps else None
