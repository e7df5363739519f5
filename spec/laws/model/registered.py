"""What params holds is what the model computes with, and what it grades."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "registered",
    kind="model",
    family="state",
    statement="What params holds is what the model computes with, and what it grades.",
)
def registered(case: ModelCase) -> None:
    """Each parameter is replaced, and written over in place: predict must notice both, or neither."""
    x = case.x[:4]
    for name in case.fresh().loss_and_grads(x, case.labels[:4])[1]:
        if name not in case.model.params:
            accuse(case, "registered", f"the gradient {name!r}", "one without a parameter", f"params[{name!r}]")
    still = case.fresh().predict(x)
    for name in case.model.params:
        noticed = []
        for in_place in (True, False):
            model = case.fresh()
            array = np.asarray(model.params[name])
            moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
            if in_place:
                array[...] = moved
            else:
                model.params[name] = moved
            noticed.append(not np.array_equal(model.predict(x), still))
        if noticed[0] != noticed[1]:
            found = "not what the model reads" if noticed[0] else "copied, so that a step in place is not seen"
            accuse(case, "registered", f"params[{name!r}]", found, f"self.params[{name!r}] read at each use")
