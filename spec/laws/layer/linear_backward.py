"""backward is linear in dy: zero gives zero, a multiple the same multiple, a sum the sum."""

from __future__ import annotations

import copy

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import answers, close, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "linear-backward",
    kind="layer",
    family="gradient",
    statement="backward is linear in dy: zero gives zero, a multiple the same multiple, a sum the sum.",
    depends_on=("gradient",),
)
def linear_backward(case: LayerCase) -> None:
    """Each answer from a fresh copy in float64, so that nothing is left over from another."""
    template, point = in_float64(case.fresh()), case.x.astype(np.float64)

    def answer(dy: Array) -> dict[str, Array]:
        probe = copy.deepcopy(template)
        probe.forward(point)
        return answers(probe, dy)

    shape = copy.deepcopy(template).forward(point)
    one, two = some_dy(case, shape), np.roll(some_dy(case, shape), 1, axis=-1)
    first, second = answer(one), answer(two)
    trials = [(f"{k:g}·dy", k * one, {name: k * g for name, g in first.items()}) for k in (0, 2, 1e3, 1e-3)]
    trials.append(("dy₁ + dy₂", one + two, {k: g + second[k] for k, g in first.items()}))
    cause = "something besides a product with dy: a constant, a clip, a mask or a norm taken from dy"
    for what, dy, wanted in trials:
        for name, found in answer(dy).items():
            tolerance = 1e-3 if found.dtype.itemsize < 8 or shape.dtype.itemsize < 8 else 1e-7
            close(case, "linear-backward", "backward", f"{name} for {what}", found, wanted[name], cause, tolerance)
