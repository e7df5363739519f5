"""Adversarial training: each batch is perturbed by up to eps, in the direction that raises the loss, before its step.

    for x, labels in batches:
        start = adversarial.random_start(x, rng)            # anywhere within eps of x
        x = adversarial.ascend(model, x, start, labels)     # one gradient step from there, clipped to within eps of x

`nn train --adversarial 0.1`. Source: E. Wong, L. Rice, J. Z. Kolter, Fast is better than free, ICLR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlaw.nn.data.dataset import Split
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput

WHITE = 255  # the byte of a white pixel
STEP = 1.25  # length of the gradient step in eps; the best value in the source


@dataclass(frozen=True)
class AdversarialTraining:
    """The largest change of a standardized pixel, and the smallest and largest value of one."""

    eps: np.float32
    black: np.float32
    white: np.float32

    @classmethod
    def of(cls, eps: float, parts: Split) -> AdversarialTraining:
        """From eps in pixel intensity, where black is 0 and white is 1: eps·255/deviation in standardized units."""
        pixel = np.array([0, WHITE])
        black, white = ((pixel - parts.mean) / parts.deviation).astype(np.float32)
        return cls(np.float32(eps * WHITE / parts.deviation), black, white)

    def random_start(self, x: Array, rng: np.random.Generator) -> Array:
        """x + δ, each δᵢ uniform in [−ε, ε), clipped to black and white."""
        delta = self.eps * (2 * rng.random(x.shape, dtype=np.float32) - 1)
        start: Array = np.clip(x + delta, self.black, self.white)
        return start

    def ascend(self, model: Any, x: Array, start: Array, labels: Array) -> Array:
        """start + 1.25 ε·sign(∂L/∂x at start), clipped to within ε of x, and to black and white."""
        moved: Array = start + np.float32(STEP) * self.eps * np.sign(model.input_gradient(start, labels))
        np.clip(moved, x - self.eps, x + self.eps, out=moved)
        np.clip(moved, self.black, self.white, out=moved)
        return moved


def adversarial_training(eps: float, parts: Split, model: Any) -> AdversarialTraining | None:
    """None for eps = 0. Raises BadInput for a model without input_gradient."""
    if eps and not hasattr(model, "input_gradient"):
        raise BadInput(f"--adversarial {eps:g}: needs a model with input_gradient(x, labels), which this one lacks")
    return AdversarialTraining.of(eps, parts) if eps else None
