"""params must hold the arrays that forward reads, grads their gradients, and both must belong to one instance.

Finds weights that are read from another attribute, copies that the optimizer does not update, and dicts on the class
that all instances share.
"""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Violation


@law(
    "registered",
    kind="layer",
    family="state",
    statement="params must hold the arrays that forward reads, and grads their gradients, for each instance.",
    why="The optimizer updates the arrays in params and nothing else. A weight that forward reads from another place "
    "is never trained, and the loss falls all the same, because the other layers learn.",
)
def registered(case: LayerCase) -> None:
    """Each parameter is replaced by another array and, in a second copy, updated in place.

    The output must change after both, or after neither if the parameter is not used. Every gradient has a parameter,
    and params, grads and state are dicts of the instance.
    """
    layer = case.fresh()
    layer.backward(random_dy(case, layer.forward(case.x)))
    for name in ("params", "grads", "state"):
        on_class = layer.attribute(name, of_class=True)
        if isinstance(on_class, MutableMapping) and on_class and name not in layer.attributes(own=True):
            raise _violation(case, name, "a dict on the class, shared by all instances", "a dict per instance")
    params = layer.params
    for name in layer.grads:
        if name not in params:
            expected = f"a parameter params[{name!r}]"
            raise _violation(case, f"grads[{name!r}]", "a gradient without a parameter", expected)
    for name in params:
        _check_used(case, name)


def _check_used(case: LayerCase, name: str) -> None:
    replaced, updated = case.fresh(False), case.fresh(False)
    before = [np.array(layer.forward(case.x)) for layer in (replaced, updated)]
    array = np.asarray(replaced.params[name])
    moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
    replaced.params[name] = moved
    array = updated.params[name]  # kept until after the call, which passes its new content on
    array[...] = moved
    after_replacing, after_updating = (
        not np.array_equal(layer.forward(case.x), y) for layer, y in zip((replaced, updated), before, strict=True)
    )
    if after_replacing != after_updating:
        actual = "ignored after it is replaced" if after_updating else "ignored after an in-place update"
        raise _violation(case, f"params[{name!r}]", actual, f"self.params[{name!r}] read in every call", "forward")


def _violation(case: LayerCase, array: str, actual: str, expected: str, method: str = "backward") -> Violation:
    return Violation("registered", location=case.location(method), array=array, actual=actual, expected=expected)
