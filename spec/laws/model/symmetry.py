"""No two units of a layer may have equal weights once training has begun, and weights must start with both signs.

Finds weights that all start with the same value, and positive random numbers such as those of rng.random.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import after_three_steps
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause

CAUSE = Cause(
    "equal-initial-weights",
    "often weights that all start with the same value, as with --init zeros: units with equal weights get equal "
    "gradients and stay equal",
)

ONE_SIGN = Cause(
    "not-centered",
    "often rng.random or uniform(0, a) instead of a distribution around 0: with weights of one sign all units compute "
    "nearly the same",
)
MIN_SIZE = 64  # entries of a matrix; random numbers around 0 all have one sign with a probability of 1e-19


@law(
    "symmetry",
    kind="model",
    family="learning",
    statement="No two units of a layer may have equal weights once training has begun, and weights must start with "
    "both signs.",
    why="Units with equal weights get equal gradients, so they never become different: a layer of 100 equal units is a "
    "layer of one unit.",
    depends_on=("gradient",),
)
def symmetry(case: ModelCase) -> None:
    """The weight matrices after three plain gradient steps with learning rate 0.1.

    No two columns are equal, unless they are zero; not all rows are equal, as they would be for units in rows; and the
    matrix is not zero. Two single rows may be equal: those of inputs that always are. The random numbers of a matrix of
    64 or more, in a newly built model, are not all positive and not all negative.
    """
    _check_signs(case)
    for name, array in after_three_steps(case).params.items():
        if array.ndim == 2 and min(array.shape) > 1 and (equal := _equal_units(array)):
            actual = f"the same {equal} after 3 steps"
            raise violation(case, "symmetry", "loss_and_grads", name, actual, "different weights per unit", CAUSE)


def _check_signs(case: ModelCase) -> None:
    model = case.make(np.random.default_rng(case.seed))
    for name, array in model.params.items() if model is not None else ():
        weights = np.asarray(array)
        if weights.ndim == 2 and min(weights.shape) > 1 and weights.size >= MIN_SIZE and np.ptp(weights) > 0:
            sign = "positive" if (weights > 0).all() else "negative" if (weights < 0).all() else ""
            if sign:
                array_name, actual = f"the initial {name}", f"all {sign}, with mean {weights.mean():.2g}"
                expected = "numbers of both signs, with mean 0"
                raise violation(case, "symmetry", "predict", array_name, actual, expected, ONE_SIGN)


def _equal_units(weights: Array) -> str:
    """Which units of a matrix have equal weights; "" if all differ."""
    if not weights.any():
        return "for units 0 and 1"
    columns: dict[bytes, int] = {}
    for i, column in enumerate(np.ascontiguousarray(weights.T)):
        if column.any() and (first := columns.setdefault(column.tobytes(), i)) != i:
            return f"for units {first} and {i}"
    return "in all rows" if (weights == weights[0]).all() else ""
