"""The laws of one step of an optimizer: it writes into the array it is handed, and what it writes is finite.

Before them stands what all laws of optimizers are judged with: an instance without a past, gradients, a walk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import OptimizerCase
from nnlaw.spec.violation import Violation

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


@law(
    "step-in-place",
    kind="optimizer",
    family="shape",
    statement="step changes the array w itself, keeps its shape and dtype, and leaves the gradient alone.",
)
def step_in_place(case: OptimizerCase) -> None:
    """One array is stepped until it moves; the gradient is compared after each step."""
    optimizer, (w, g) = fresh(case), draw(case, 2)
    before, kept, where = w.copy(), g.copy(), case.where("step")
    with np.errstate(all="ignore"):
        for _ in range(PATIENCE):
            returned = optimizer.step(w, g, LR)
            if not np.array_equal(g, kept):
                at = first_index(g != kept)
                raise Violation(
                    "step-in-place",
                    where=where,
                    array="g",
                    index=at,
                    actual=f"{g[at]:.6g} after the step",
                    expected=f"{kept[at]:.6g}, as it was handed in",
                    cause="an in-place operation on the gradient, which belongs to the caller",
                )
            if w.shape != before.shape or w.dtype != before.dtype:
                raise Violation(
                    "step-in-place",
                    where=where,
                    array="w",
                    actual=f"{w.dtype} of shape {w.shape} after the step",
                    expected=f"{before.dtype} of shape {before.shape}, as before",
                )
            if not np.array_equal(w, before):
                return
    raise Violation(
        "step-in-place",
        where=where,
        array="w",
        actual=f"the same after {PATIENCE} steps of a nonzero gradient",
        expected="changed in place, as by w -= ...",
        cause="a new array that is returned, w[...] was not written"
        if returned is not None
        else "w = w - ..., which makes a new array and leaves the caller's alone",
    )


@law(
    "finite",
    kind="optimizer",
    family="output range",
    statement="Weights stay finite whatever finite gradient comes: none, a tiny or a huge one.",
    rests_on=("step-in-place",),
)
def finite(case: OptimizerCase) -> None:
    """Three steps each of gradients of size 0, 1e-30, 1 and 1e4, in float32."""
    w = draw(case, 1)[0]
    for scale in (1.0, 0.0, 1e-30, 1e4):
        path = walked(fresh(case), w, draw(case, 3, scale))
        if not is_finite(path):
            step, at = first_index(~np.isfinite(path))
            raise Violation(
                "finite",
                where=case.where("step"),
                array="w",
                index=(at,),
                actual=f"{path[step, at]} after {step + 1} steps of a gradient of size {scale:g}",
                expected="a finite number",
                cause="a division by zero: t that counts from 0, so that 1 − βᵗ = 0"
                if scale == 1 and step == 0
                else "a division by zero: ε is missing"
                if scale < 1
                else "",
            )
