"""backward gives the gradient of forward, for the input and for every parameter."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.gradients import check_layer
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "gradient",
    kind="layer",
    family="gradient",
    statement="backward gives the gradient of forward, for the input and for every parameter.",
    depends_on=("registered", "seeded"),
)
def gradient(case: LayerCase) -> None:
    """Finite differences at three scales of input, once more when the parameters moved, and in eval if it differs."""
    rng = case.rng
    layer, point = case.fresh(True), case.x.astype(np.float64)
    for scale in (1.0, 0.3, 8.0):  # the last beyond where functions are capped, as at 6
        check_layer(layer, inside_domain(layer, scale * point, point), rng, path=case.path)
    if getattr(layer, "params", None):
        for name, array in layer.params.items():
            layer.params[name] = array + 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
        check_layer(layer, point, rng, path=case.path)
    if not np.array_equal(case.fresh(True).forward(case.x), case.fresh(False).forward(case.x)):
        layer.training = False
        check_layer(layer, point, rng, path=case.path)
