"""How x and dy lie in memory (Fortran order, strided, reversed, read-only) makes no difference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import answers, close, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "layout",
    kind="layer",
    family="shape",
    statement="How x and dy lie in memory (Fortran order, strided, reversed, read-only) makes no difference.",
    depends_on=("pure",),
)
def layout(case: LayerCase) -> None:
    """The same numbers in other places, forward and backward, in eval mode."""
    plain = case.fresh(False)
    y = np.array(plain.forward(case.x))
    dy = some_dy(case, y)
    expected = answers(plain, dy)
    cause = "an operation that follows memory, not indices: order='A' or 'K', a buffer, strides"
    for (how, x), (_, slope) in zip(_arrangements(case.x), _arrangements(dy), strict=True):
        layer = case.fresh(False)
        close(case, "layout", "forward", f"the output for {how} x", layer.forward(x), y, cause)
        for name, found in answers(layer, slope).items():
            close(case, "layout", "backward", f"{name} for {how} dy", found, expected[name], cause)


def _arrangements(array: Array) -> Iterator[tuple[str, Array]]:
    yield "Fortran-ordered", np.asfortranarray(array)
    wide = np.repeat(array, 2, axis=-1)
    yield "strided", wide[..., ::2]
    yield "reversed", np.ascontiguousarray(array[::-1])[::-1]
    still = array.copy()
    still.setflags(write=False)
    yield "read-only", still
