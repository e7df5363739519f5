"""Output and gradients stay finite at zero and at extreme input within the claimed domain (±1e4 unless claimed)."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.contracts.declared import domain_of
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import modes, some_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.sampling import FAR, clipped_bounds
from nnlaw.spec.violation import Violation


@law(
    "stable",
    kind="layer",
    family="numerics",
    statement="Output and gradients stay finite at zero and at extreme input within the claimed domain (±1e4 unless "
    "claimed).",
    depends_on=("gradient", "independent-samples"),
)
def stable(case: LayerCase) -> None:
    """All high, all low, mixed, and all zero, in float32 and in float64, forward and backward."""
    bounds = clipped_bounds(*(domain_of(case.layer) or (-FAR, FAR)))
    extreme = max(abs(bound) for bound in bounds)
    for training in modes(case):
        for probe in (case.x, -case.x, np.abs(case.x), -np.abs(case.x), 0 * case.x):
            for dtype in (np.float32, np.float64):
                x: Array = np.clip(np.sign(probe) * extreme, *bounds).astype(dtype)
                layer = case.fresh(training) if dtype is np.float32 else in_float64(case.fresh(training))
                y = np.array(layer.forward(x))
                found = {"output": y, "dx": np.asarray(layer.backward(some_dy(case, y)))}
                for name, array in (found | dict(getattr(layer, "grads", None) or {})).items():
                    _sound(case, name, array, x)


def _sound(case: LayerCase, name: str, array: Array, x: Array) -> None:
    if not is_finite(array):
        at = first_index(~np.isfinite(array))
        raise Violation(
            "stable",
            location=case.location("forward" if name == "output" else "backward"),
            array=name,
            index=at,
            actual=f"{array[at]} for input between {x.min():g} and {x.max():g} in {x.dtype}",
            expected="a finite number",
            cause="exp that overflows, a logarithm of 0 or a division by 0; or claim domain = (low, high)",
        )
