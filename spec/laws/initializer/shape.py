"""An initializer must return an array of the shape that it receives.

It finds swapped dimensions, and shapes that are hard-coded.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, weights_of
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import Violation


@law(
    "shape",
    kind="initializer",
    family="shape",
    statement="The weights are real numbers of the shape that is passed.",
    why="With square layers a transposed weight matrix raises no error; with others the first forward fails.",
)
def shape(case: InitializerCase) -> None:
    """Call the initializer for the shapes (300, 40), (40, 300), (12, 1) and (1, 12)."""
    for expected in (*SHAPES, (12, 1), (1, 12)):
        found = weights_of(case, expected)
        if found.shape != expected or found.dtype.kind not in "fiu":
            swapped = found.shape == expected[::-1] != expected
            raise Violation(
                "shape",
                location=case.location,
                array="the result",
                actual=f"{found.dtype} of shape {found.shape}",
                expected=f"real numbers of shape {expected}",
                cause="rows and columns are swapped" if swapped else "",
                cause_code="swapped-dimensions" if swapped else "",
            )
