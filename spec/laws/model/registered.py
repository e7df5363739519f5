"""params must hold the arrays that the model computes with.

Finds weights that are read from another attribute, and copies that an optimizer does not update.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "registered",
    kind="model",
    family="state",
    statement="params must hold the arrays that the model computes with, and every gradient must have a parameter.",
    why="The optimizer updates the arrays in params and nothing else. A weight that is read from another place is "
    "never trained.",
)
def registered(case: ModelCase) -> None:
    """Each parameter is replaced by another array and, in a second copy, updated in place.

    The prediction must change after both, or after neither if the parameter is not used.
    """
    x = case.x[:4]
    for name in case.fresh().loss_and_grads(x, case.labels[:4])[1]:
        if name not in case.model.params:
            expected = f"a parameter params[{name!r}]"
            raise violation(case, "registered", "predict", f"the gradient {name!r}", "without a parameter", expected)
    before = case.fresh().predict(x)
    for name in case.model.params:
        changed = []
        for in_place in (True, False):
            model = case.fresh()
            array = np.asarray(model.params[name])
            moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
            if in_place:
                array[...] = moved
            else:
                model.params[name] = moved
            changed.append(not np.array_equal(model.predict(x), before))
        if changed[0] != changed[1]:
            actual = "ignored after it is replaced" if changed[0] else "ignored after an in-place update"
            expected = f"self.params[{name!r}] read in every call"
            raise violation(case, "registered", "predict", f"params[{name!r}]", actual, expected)
