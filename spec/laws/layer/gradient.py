"""backward must return the gradient of forward, for the input and for every parameter.

Finds wrong derivatives, signs, axes, transposes and factors.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.gradcheck.gradients import check_layer, check_ties
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "gradient",
    kind="layer",
    family="gradient",
    statement="backward must return the gradient of forward, for the input and for every parameter.",
    why="A network with a slightly wrong gradient often still trains, only worse; the accuracy won't show you.",
    depends_on=("registered", "seeded"),
)
def gradient(case: LayerCase) -> None:
    """dx and every parameter's gradient are compared with central differences in float64, for a Gaussian dy.

    In training mode at x, 0.3x and 8x, again after the parameters have moved, and in evaluation mode if the output
    differs there. A relative error of 1e-5 passes, one above 1e-4 fails. Where the one-sided slopes differ, at a kink,
    any value between them is right. Where all inputs of a sample are equal, the sum of dx must be the slope along all
    of them.
    """
    rng = case.rng
    layer, point = case.fresh(True), case.x.astype(np.float64)
    for scale in (1.0, 0.3, 8.0):  # 8 is beyond the cap of functions such as relu6
        check_layer(layer, inside_domain(layer, scale * point, point), rng, path=case.path)
    params = layer.params
    check_ties(layer, point, rng, path=case.path)
    if params:
        for name, array in list(params.items()):
            params[name] = array + 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
        check_layer(layer, point, rng, path=case.path)
    if case.registered and not np.array_equal(case.fresh(True).forward(case.x), case.fresh(False).forward(case.x)):
        layer.training = False
        check_layer(layer, point, rng, path=case.path)
