"""What is returned has the shape asked for, and holds real numbers."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.initializer._shared import SHAPES, drawn
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import Violation


@law(
    "shape",
    kind="initializer",
    family="shape",
    statement="What is returned has the shape asked for, and holds real numbers.",
)
def shape(case: InitializerCase) -> None:
    """Both rectangles, and a single unit."""
    for wanted in (*SHAPES, (12, 1), (1, 12)):
        found = drawn(case, wanted)
        if found.shape != wanted or found.dtype.kind not in "fiu":
            raise Violation(
                "shape",
                location=case.location,
                array="the weights",
                actual=f"{found.dtype} of shape {found.shape}",
                expected=f"real numbers of shape {wanted}",
                cause="rows and columns swapped" if found.shape == wanted[::-1] != wanted else "",
            )
