"""Output and gradients must stay finite for extreme inputs.

Finds exp that overflows, the logarithm of 0, and divisions by 0.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import modes, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.sampling import FAR, clipped_bounds
from nnlaw.spec.violation import Violation


@law(
    "stable",
    kind="layer",
    family="numerics",
    statement="Output and gradients must stay finite at 0 and at the ends of the declared domain (±10,000 if no domain "
    "is declared).",
    why="Large activations occur early in training and with high learning rates. One overflow makes all weights NaN "
    "in the next step.",
    depends_on=("gradient", "independent-samples"),
)
def stable(case: LayerCase) -> None:
    """Inputs with the signs of x, of −x, all positive, all negative, and all zero, at the largest allowed magnitude.

    Forward and backward, in float32 and in float64, in evaluation mode and, if the layer draws no random numbers, in
    training mode.
    """
    bounds = clipped_bounds(*(domain_of(case.layer) or (-FAR, FAR)))
    extreme = max(abs(bound) for bound in bounds)
    for training in modes(case):
        templates = {np.float32: case.fresh(training), np.float64: in_float64(case.fresh(training))}
        outputs = {dtype: layer.copy().forward(case.x.astype(dtype)) for dtype, layer in templates.items()}
        for signs in (case.x, -case.x, np.abs(case.x), -np.abs(case.x), 0 * case.x):
            for dtype, layer in templates.items():
                x: Array = np.clip(np.sign(signs) * extreme, *bounds).astype(dtype)
                run = layer.run([("forward", [x]), ("backward", [random_dy(case, outputs[dtype])])])
                _check_finite(case, "forward", "output", np.asarray(run.results[0]), x)
                _check_finite(case, "backward", "dx", np.asarray(run.results[1]), x)
                for name, array in run.grads.items():
                    _check_finite(case, "backward", f"d{name}", array, x, name)


def _check_finite(case: LayerCase, method: str, name: str, array: Array, x: Array, parameter: str = "") -> None:
    if not is_finite(array):
        at = first_index(~np.isfinite(array))
        raise Violation(
            "stable",
            location=case.location(method),
            array=name,
            parameter=parameter,
            index=at,
            actual=f"{array[at]} for {x.dtype} input between {x.min():g} and {x.max():g}",
            expected="a finite number",
            cause="often an exp that overflows, the logarithm of 0, or a division by 0; if such input is invalid, "
            "declare domain = (low, high)",
            cause_code="overflow-or-division-by-zero",
        )
