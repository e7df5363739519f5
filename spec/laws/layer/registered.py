"""What params holds is what forward reads and what grads grades, and belongs to this instance alone."""

from __future__ import annotations

from collections.abc import MutableMapping

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import some_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Violation


@law(
    "registered",
    kind="layer",
    family="state",
    statement="What params holds is what forward reads and what grads grades, and belongs to this instance alone.",
)
def registered(case: LayerCase) -> None:
    """A parameter is replaced, and written over in place: forward must notice both, or neither."""
    probe = case.fresh()
    probe.backward(some_dy(case, probe.forward(case.x)))
    for holder in ("params", "grads", "state"):
        common = getattr(type(case.layer), holder, None)
        if isinstance(common, MutableMapping) and common and holder not in vars(probe):
            _accuse_holder(case, holder, "a dict of the class, which all instances share", "a dict of each instance")
    params = getattr(probe, "params", None) or {}
    for name in getattr(probe, "grads", None) or {}:
        if name not in params:
            _accuse_holder(case, f"grads[{name!r}]", "a gradient without a parameter", f"params[{name!r}], to be moved")
    for name in params:
        _in_use(case, name)


def _in_use(case: LayerCase, name: str) -> None:
    replaced, written = case.fresh(False), case.fresh(False)
    still = [np.array(layer.forward(case.x)) for layer in (replaced, written)]
    array = np.asarray(replaced.params[name])
    moved = array + (0.5 + case.rng.random(array.shape)).astype(array.dtype)
    replaced.params[name] = moved
    written.params[name][...] = moved
    one, two = (
        not np.array_equal(layer.forward(case.x), y) for layer, y in zip((replaced, written), still, strict=True)
    )
    if one != two:
        found = "read from another array than this" if two else "copied, so that a step in place is not seen"
        _accuse_holder(case, f"params[{name!r}]", found, f"self.params[{name!r}] read at each use", "forward")


def _accuse_holder(case: LayerCase, array: str, actual: str, expected: str, method: str = "backward") -> None:
    raise Violation("registered", location=case.location(method), array=array, actual=actual, expected=expected)
