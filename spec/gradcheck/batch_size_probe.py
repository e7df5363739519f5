"""Measure the factor on a gradient at another batch size, to prove that a factor is a size.

    factor_at_larger_batch(make)        make() returns a LargerBatch: one sample more, the first one again
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.explain import FIT
from nnlaw.spec.gradcheck.finite_differences import FLOAT32_STEPS, FLOAT32_TOLERANCE
from nnlaw.spec.gradcheck.scale_factors import FactorAtLargerBatch
from nnlaw.spec.subjects.cases import LossCase


@dataclass
class LargerBatch:
    """A function without arguments, the array it reads at each call, and its gradient as the code returns it."""

    function: Callable[[], float]
    array: Array
    gradient: Array
    samples: int


def larger_batch_rows(size: int) -> Array:
    """The row indices of a batch with one sample more."""
    return np.arange(size + 1) % size


def factor_at_larger_batch(make: Callable[[], LargerBatch], float32: bool = False) -> FactorAtLargerBatch | None:
    """None if the code does not accept such a batch, or if the gradient there is not off by one factor.

    With `float32`, the function computes in float32.
    """
    step, tolerance = (FLOAT32_STEPS[1], FLOAT32_TOLERANCE) if float32 else (1e-5, FIT)
    with contextlib.suppress(Exception):  # the code need not accept a batch of this size
        batch = make()
        first, second = (_factor(batch, np.random.default_rng(seed), step) for seed in (0, 1))
        if abs(first - second) <= tolerance * abs(first):
            return FactorAtLargerBatch(first, batch.samples, np.shape(batch.gradient))
    return None


def loss_factor_at_larger_batch(case: LossCase, point: Array, target: Array) -> FactorAtLargerBatch | None:
    """The factor of a loss with more outputs, too; if the loss does not accept these, with the same outputs."""
    more, same = [*range(point.shape[-1]), 0, 0], slice(None)
    return factor_at_larger_batch(lambda: _larger(case, point, target, more)) or factor_at_larger_batch(
        lambda: _larger(case, point, target, same)
    )


def _larger(case: LossCase, point: Array, target: Array, outputs: list[int] | slice) -> LargerBatch:
    rows, loss, twin = larger_batch_rows(len(point)), case.fresh(), case.fresh()
    at = np.ascontiguousarray(point[rows][..., outputs])
    to = target[rows][..., outputs] if target.shape == point.shape else target[rows]
    twin.forward(at, to)
    return LargerBatch(lambda: float(loss.forward(at, to)), at, np.asarray(twin.backward()), len(rows))


def _factor(batch: LargerBatch, rng: np.random.Generator, step: float) -> float:
    """The factor along a random direction."""
    before, direction = batch.array.copy(), rng.standard_normal(batch.array.shape)
    values = []
    for h in (step, -step):
        batch.array[...] = before + h * direction
        values.append(batch.function())
    batch.array[...] = before
    return float(np.vdot(batch.gradient, direction)) * 2 * step / (values[0] - values[1])
