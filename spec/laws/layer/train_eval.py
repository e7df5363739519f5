"""In eval mode a layer draws nothing, changes no state, and uses the statistics that training kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import CALLS, close, equal, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "train-eval",
    kind="layer",
    family="state",
    statement="In eval mode a layer draws nothing, changes no state, and uses the statistics that training kept.",
    depends_on=("seeded",),
)
def train_eval(case: LayerCase) -> None:
    """Other draws must not show in eval; state must stay; what couples samples to keep statistics must stop."""
    plain, other = case.fresh(False), case.fresh(False, skip_random=True)
    for _ in range(CALLS):
        kept = np.array(plain.forward(case.x))
        cause = "randomness that does not look at self.training"
        equal(case, "train-eval", "forward", "the output in eval mode", other.forward(case.x), kept, cause)
    layer = case.fresh(False)
    before = _state(layer)
    layer.backward(some_dy(case, layer.forward(case.other_x)))
    for name, array in _state(layer).items():
        cause = "running statistics that are updated in eval mode"
        equal(case, "train-eval", "forward", f"state[{name!r}] after eval", array, before[name], cause)
    if declared_value(case.layer, "couples_samples"):
        _uses_what_it_kept(case)


def _uses_what_it_kept(case: LayerCase) -> None:
    layer = case.fresh(True)
    before = _state(layer)
    layer.forward(case.x)
    if all(np.array_equal(array, before[name]) for name, array in _state(layer).items() if name in before):
        return  # it keeps no statistics, so it may go on coupling samples
    layer.training = False
    company: Array = np.concatenate([case.x[:1], case.other_x[:-1] * case.x.dtype.type(0.5)])
    company = inside_domain(case.layer, company, case.x)
    alone, mixed = layer.forward(case.x)[0].copy(), layer.forward(company)[0]
    cause = "batch statistics in eval mode, where the running ones are due"
    close(case, "train-eval", "forward", "the first row among other rows in eval mode", mixed, alone, cause)


def _state(layer: Any) -> dict[str, Array]:
    return {name: np.array(array) for name, array in (getattr(layer, "state", None) or {}).items()}
