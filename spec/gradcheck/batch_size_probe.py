"""Measure the factor on a gradient at another batch size, to prove that a factor is a size.

    factor_at_larger_batch(make)        make() returns a LargerBatch: one sample more, the first one again
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.explain import FIT
from nnlaw.spec.gradcheck.finite_differences import FLOAT32_STEPS, FLOAT32_TOLERANCE, Evaluate
from nnlaw.spec.gradcheck.scale_factors import FactorAtLargerBatch
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.subjects.subject import Point


@dataclass
class LargerBatch:
    """A function of an array, this array, and its gradient as the code returns it."""

    evaluate: Evaluate
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
        first, second = _factors(batch, step)
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
    rows, loss = larger_batch_rows(len(point)), case.fresh()
    at = np.ascontiguousarray(point[rows][..., outputs])
    to = target[rows][..., outputs] if target.shape == point.shape else target[rows]
    gradient = loss.run([("forward", [at, to]), ("backward", [])]).results[1]

    def losses(points: Sequence[Point]) -> list[float]:
        return list(map(float, loss.sweep("forward", [at, to], [(0, each) for each in points], fresh=False)))

    return LargerBatch(losses, at, np.asarray(gradient), len(rows))


def _factors(batch: LargerBatch, step: float) -> tuple[float, float]:
    """The factors along two random directions."""
    directions = [np.random.default_rng(seed).standard_normal(batch.array.shape) for seed in (0, 1)]
    points: list[Point] = [(None, batch.array + h * each) for each in directions for h in (step, -step)]
    values = batch.evaluate(points)
    slopes = [float(np.vdot(batch.gradient, each)) * 2 * step for each in directions]
    return slopes[0] / (values[0] - values[1]), slopes[1] / (values[2] - values[3])
