"""params and state, copied into a new layer, must give the same predictions.

Finds running statistics and random constants that are stored elsewhere and lost when the network is saved.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, random_dy
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, NotApplicable


@law(
    "round-trip",
    kind="layer",
    family="state",
    statement="params and state, copied into a new layer, must give the same predictions.",
    why="A checkpoint holds params and state. If the output depends on anything else, a loaded network predicts "
    "differently from the one that was saved.",
    depends_on=("registered", "train-eval", "pure", "gradient"),
)
def round_trip(case: LayerCase) -> None:
    """After three training calls and a change of every parameter, params and state are copied into another layer.

    That layer is built with another seed, or is a copy of the untrained layer if it can't be built. Outputs in
    evaluation mode are compared with a relative tolerance of 1e-4.
    """
    trained = case.fresh(True)
    for x in (case.other_x, case.x, case.other_x):
        trained.backward(random_dy(case, trained.forward(x)))
    for name, array in list(trained.params.items()):
        array += (0.1 * case.rng.standard_normal(array.shape)).astype(array.dtype)
        trained.params[name] = array
    loaded = case.make(np.random.default_rng(case.seed + 1)).copy() if case.make else case.fresh()
    for attribute in ("params", "state"):
        saved, target = trained.mapping(attribute), loaded.mapping(attribute)
        if set(saved) != set(target):
            raise NotApplicable(f"a new layer has other keys in {attribute}")
        for name, array in saved.items():
            target[name] = np.array(array)
    trained.training = loaded.training = False
    cause = Cause("not-saved", f"neither params nor state holds {_not_saved(trained, loaded)}")
    actual, expected = loaded.forward(case.x), trained.forward(case.x)
    check_close(case, "round-trip", "forward", "output", actual, expected, cause, note="before saving")


def _not_saved(trained: Subject, loaded: Subject) -> str:
    """Names of the array attributes that differ between the two layers."""
    attributes = loaded.attributes(own=True)
    names = [
        f"self.{name}"
        for name, value in trained.attributes(own=True).items()
        if isinstance(value, np.ndarray) and isinstance(attributes.get(name), np.ndarray) and value.dtype.kind == "f"
        and value.shape == attributes[name].shape and not np.array_equal(value, attributes[name])
    ]  # fmt: skip
    return " and ".join(names) or "something that the output depends on"
