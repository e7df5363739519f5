"""The memory layout of x and dy must make no difference.

Finds code that follows the order in memory, not the indices: reshape(order="A"), raw buffers, strides.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, gradients_of, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "memory-order", "often an operation that follows the order in memory: order='A' or 'K', a raw buffer, strides"
)


@law(
    "layout",
    kind="layer",
    family="shape",
    statement="The memory layout of x and dy (Fortran order, strided, reversed, read-only) must make no difference.",
    why="Transposes and slices are views with another layout. Code that follows memory works in a small test and gives "
    "wrong numbers, without an exception, inside a network.",
    depends_on=("pure",),
)
def layout(case: LayerCase) -> None:
    """Forward and backward in evaluation mode, with equal numbers in Fortran order, strided, reversed and read-only.

    Output and gradients are compared with a relative tolerance of 1e-4.
    """
    layer = case.fresh(False)
    y = np.array(layer.forward(case.x))
    dy = random_dy(case, y)
    expected = gradients_of(layer, dy)
    for (name, x), (_, same_dy) in zip(_layouts(case.x), _layouts(dy), strict=True):
        layer = case.fresh(False)
        check_close(case, "layout", "forward", "output", layer.forward(x), y, CAUSE, note=f"for {name} x")
        for array, actual in gradients_of(layer, same_dy).items():
            check_close(
                case, "layout", "backward", array, actual, expected[array], CAUSE, note=f"for {name} x and dy"
            )


def _layouts(array: Array) -> Iterator[tuple[str, Array]]:
    """Arrays equal to `array`, by the name of their layout."""
    yield "Fortran-ordered", np.asfortranarray(array)
    wide = np.repeat(array, 2, axis=-1)
    yield "strided", wide[..., ::2]
    yield "reversed", np.ascontiguousarray(array[::-1])[::-1]
    read_only = array.copy()
    read_only.setflags(write=False)
    yield "read-only", read_only
