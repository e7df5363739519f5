"""params and state, copied into a fresh layer, predict the same: nothing else needs to be saved."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import close, some_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.copies import copy_with_generators
from nnlaw.spec.violation import NotApplicable


@law(
    "round-trip",
    kind="layer",
    family="state",
    statement="params and state, copied into a fresh layer, predict the same: nothing else needs to be saved.",
    depends_on=("registered", "train-eval", "pure", "gradient"),
)
def round_trip(case: LayerCase) -> None:
    """After a few steps of training, in which params and state moved; the fresh layer is built anew where it can be."""
    old = case.fresh(True)
    for x in (case.other_x, case.x, case.other_x):
        old.backward(some_dy(case, old.forward(x)))
    for name, array in (getattr(old, "params", None) or {}).items():
        array += (0.1 * case.rng.standard_normal(array.shape)).astype(array.dtype)
        old.params[name] = array
    new = copy_with_generators(case.make(np.random.default_rng(case.seed + 1)))[0] if case.make else case.fresh()
    for holder in ("params", "state"):
        saved = getattr(old, holder, None) or {}
        if set(saved) != set(getattr(new, holder, None) or {}):
            raise NotApplicable(f"the keys of {holder} are not those of a fresh layer")
        for name, array in saved.items():
            getattr(new, holder)[name] = np.array(array)
    old.training = new.training = False
    cause = f"{_unsaved(old, new)}, which training moves or chance made, and which is neither in params nor in state"
    close(case, "round-trip", "forward", "output after loading", new.forward(case.x), old.forward(case.x), cause)


def _unsaved(old: Any, new: Any) -> str:
    """The arrays that the layer holds by itself, and that a fresh one holds with other numbers."""
    fresh = vars(new)
    names = [
        f"self.{name}"
        for name, held in vars(old).items()
        if isinstance(held, np.ndarray) and isinstance(fresh.get(name), np.ndarray) and held.dtype.kind == "f"
        and held.shape == fresh[name].shape and not np.array_equal(held, fresh[name])
    ]
    return " and ".join(names) or "something"
