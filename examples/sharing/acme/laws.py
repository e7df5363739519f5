"""nn laws acme-zero-at-zero; nn verify checks it with all others."""

import numpy as np

from nnlaw import LayerCase, NotApplicable, Violation, law


@law(
    "acme-zero-at-zero",
    kind="layer",
    family="numerics",
    statement="An activation is 0 at 0.",
    why="A layer that moves 0 shifts the mean of the layer after it.",
)
def check(case: LayerCase) -> None:
    """Compare the output for an input of zeros with 0. Layers with parameters are not checked."""
    if dict(case.layer.params):
        raise NotApplicable("it has parameters")
    y = case.layer.copy().forward(np.zeros_like(case.x))
    if np.any(y):
        raise Violation(
            "acme-zero-at-zero", location=case.location("forward"), array="y", actual="not 0", expected="0 for x = 0"
        )
