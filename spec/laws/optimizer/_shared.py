"""Pieces that several laws of optimizers use: a new instance, random gradients, and the weights after each step."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.subjects.subject import Subject

SIZE = 6  # weights in every check: a state that instances share always has the same shape
LR = 0.1
PATIENCE = 32  # steps after which weights must have moved: gradients may be accumulated, or the rate warmed up
CLOSE = 1e-6  # two or three roundings of float32
ROUNDING = 1e-3  # relative error of a step's length that roundoff may cause


def fresh(case: OptimizerCase) -> Subject:
    """A new optimizer; all weights decay, if it decays weights at all."""
    optimizer: Subject = case.make()
    optimizer.set("decays", np.ones(SIZE, np.float32))
    return optimizer


def random_gradients(case: OptimizerCase, steps: int, scale: float = 1.0) -> Array:
    """Gaussian gradients (steps, SIZE)."""
    return (scale * case.rng.standard_normal((steps, SIZE))).astype(np.float32)


def walked(optimizer: Subject, w: Array, gradients: Iterable[Array], lr: float = LR) -> Array:
    """The weights after each step from a copy of w, with each gradient in a new array: (steps, SIZE)."""
    with np.errstate(all="ignore"):
        return np.array(optimizer.steps(w, list(gradients), lr))
