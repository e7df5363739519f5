"""What the laws of this kind share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import OptimizerCase

SIZE = 6  # weights in every probe, so that not even state on the class meets another shape
LR = 0.1
PATIENCE = 32  # steps after which something must have moved: gradients may be accumulated, or the rate warmed up
CLOSE = 1e-6  # two or three roundings of float32
ROUNDING = 1e-3  # how much longer than a longer gradient's a step may be by roundoff


def fresh(case: OptimizerCase) -> Any:
    """An optimizer without a past; all weights decay, where it decays any."""
    optimizer = case.make()
    optimizer.decays = np.ones(SIZE, np.float32)
    return optimizer


def draw(case: OptimizerCase, steps: int, scale: float = 1.0) -> Array:
    """Gaussian gradients (steps, SIZE)."""
    return (scale * case.rng.standard_normal((steps, SIZE))).astype(np.float32)


def walked(optimizer: Any, w: Array, gradients: Iterable[Array], lr: float = LR) -> Array:
    """The weights after each step from a copy of w, each gradient an array of its own: (steps, SIZE)."""
    w, path = w.copy(), []
    with np.errstate(all="ignore"):
        for g in gradients:
            optimizer.step(w, g.copy(), lr)
            path.append(w.copy())
    return np.array(path)
