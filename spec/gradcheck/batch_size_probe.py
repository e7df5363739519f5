"""The factor on a gradient for a batch of another size, by which a size that is named as the factor is proven.

    again(made)         made() gives a Larger: one sample more, the first one once again
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.explain import FIT
from nnlaw.spec.gradcheck.finite_differences import COARSE, COARSE_STEPS
from nnlaw.spec.gradcheck.scale_factors import Again
from nnlaw.spec.subjects.cases import LossCase


@dataclass
class Larger:
    """A number, the array that it reads at each call, and the gradient that is answered for it."""

    number: Callable[[], float]
    array: Array
    gradient: Array
    samples: int


def larger(size: int) -> Array:
    """The rows of a batch that has one sample more."""
    return np.arange(size + 1) % size


def again(made: Callable[[], Larger], coarse: bool = False) -> Again | None:
    """None where the plugin refuses such a batch, or where no one factor accounts for the gradient there.

    `coarse` says that the number is computed in float32.
    """
    step, fit = (COARSE_STEPS[1], COARSE) if coarse else (1e-5, FIT)
    with contextlib.suppress(Exception):  # raised by the plugin, which was asked for more than it has to answer
        found = made()
        one, two = (_factor(found, np.random.default_rng(seed), step) for seed in (0, 1))
        if abs(one - two) <= fit * abs(one):
            return Again(one, found.samples, np.shape(found.gradient))
    return None


def again_of_loss(case: LossCase, point: Array, target: Array) -> Again | None:
    """That of a loss where the number of outputs is another, too; where that is refused, with the outputs as they are.
    """
    wide, tall = [*range(point.shape[-1]), 0, 0], slice(None)
    return again(lambda: _larger(case, point, target, wide)) or again(lambda: _larger(case, point, target, tall))


def _larger(case: LossCase, point: Array, target: Array, outputs: list[int] | slice) -> Larger:
    rows, loss, probe = larger(len(point)), case.fresh(), case.fresh()
    at = np.ascontiguousarray(point[rows][..., outputs])
    to = target[rows][..., outputs] if target.shape == point.shape else target[rows]
    probe.forward(at, to)
    return Larger(lambda: float(loss.forward(at, to)), at, np.asarray(probe.backward()), len(rows))


def _factor(found: Larger, rng: np.random.Generator, step: float) -> float:
    """Along a random direction."""
    kept, direction = found.array.copy(), rng.standard_normal(found.array.shape)
    sides = []
    for h in (step, -step):
        found.array[...] = kept + h * direction
        sides.append(found.number())
    found.array[...] = kept
    return float(np.vdot(found.gradient, direction)) * 2 * step / (sides[0] - sides[1])
