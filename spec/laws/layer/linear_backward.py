"""backward must be linear in dy.

Finds clipped or normalized gradients, constants that are added, and masks computed from dy.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, gradients_at, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "nonlinear-in-dy",
    "often something other than a product with dy: a constant, a clip, or a mask or norm computed from dy",
)


@law(
    "linear-backward",
    kind="layer",
    family="gradient",
    statement="backward must be linear in dy: zero gives zero, a multiple the same multiple, a sum the sum.",
    why="The chain rule is linear. A gradient that is clipped inside a layer is right for small dy only, so a gradient "
    "check passes and training with large gradients goes in a wrong direction.",
    depends_on=("gradient",),
)
def linear_backward(case: LayerCase) -> None:
    """Gradients for 0·dy, 2·dy, 1000·dy, 0.001·dy and a sum of two dy, each from a fresh copy in float64.

    The relative tolerance is 1e-7 (1e-3 if the layer computes in float32).
    """
    template, point = in_float64(case.fresh()), case.x.astype(np.float64)

    y = template.copy().forward(point)
    dy1, dy2 = random_dy(case, y), np.roll(random_dy(case, y), 1, axis=-1)
    first, second = gradients_at(template, point, dy1), gradients_at(template, point, dy2)
    trials = [(f"{k:g}·dy", k * dy1, {name: k * g for name, g in first.items()}) for k in (0, 2, 1e3, 1e-3)]
    trials.append(("dy₁ + dy₂", dy1 + dy2, {name: g + second[name] for name, g in first.items()}))
    for label, dy, expected in trials:
        for name, actual in gradients_at(template, point, dy).items():
            tolerance = 1e-3 if actual.dtype.itemsize < 8 or y.dtype.itemsize < 8 else 1e-7
            check_close(
                case, "linear-backward", "backward", name, actual, expected[name], CAUSE, tolerance, f"for {label}"
            )
