"""No two units of a layer stay alike once training has begun."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import stepped
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Violation


@law(
    "symmetry",
    kind="model",
    family="gradient",
    statement="No two units of a layer stay alike once training has begun.",
    depends_on=("gradient",),
)
def symmetry(case: ModelCase) -> None:
    """After three plain gradient steps, no two nonzero columns of a weight matrix are equal, nor all of its rows, nor
    are all zeros.

    Units are columns, or rows in a matrix (n_out, n_in). Two rows alone may be equal: those of inputs that always are.
    """
    for name, array in stepped(case).params.items():
        if array.ndim == 2 and min(array.shape) > 1:
            alike = _alike(array)
            if alike:
                raise Violation(
                    "symmetry",
                    location=case.location("loss_and_grads"),
                    array=name,
                    actual=f"the same {alike} after 3 steps",
                    expected="no two units alike",
                    cause="weights that all start equal, as with --init zeros: their units get equal gradients forever",
                )


def _alike(weights: Array) -> str:
    """What is equal in a matrix whose units should differ; "" where they do."""
    if not weights.any():
        return "for units 0 and 1"
    columns: dict[bytes, int] = {}
    for i, column in enumerate(np.ascontiguousarray(weights.T)):
        if column.any() and (twin := columns.setdefault(column.tobytes(), i)) != i:
            return f"for units {twin} and {i}"
    return "in all of its rows" if (weights == weights[0]).all() else ""
