"""A model that was saved and loaded must give the same predictions.

Finds scales, running statistics and random projections that are in neither params nor state.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import train
from nnlaw.spec.laws.model._shared import violation
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause, NotApplicable

CAUSE = Cause("not-saved", "the predictions depend on something that is in neither params nor state")


@law(
    "round-trip",
    kind="model",
    family="state",
    statement="A model that was saved and loaded must give the same predictions.",
    why="A checkpoint holds params and state. If the predictions depend on anything else, the network that is used is "
    "not the one that was tested.",
    depends_on=("registered", "train-eval", "gradient"),
)
def round_trip(case: ModelCase) -> None:
    """The predictions of the reloaded model are compared bit for bit with those of the model that was saved.

    If nothing was saved, params and state of a copy after three Adam steps are put into a model built with another
    seed; predictions are compared with a relative tolerance of 1e-3.
    """
    if case.reload is None:
        return _check_copied_arrays(case)
    expected, actual = case.fresh().predict(case.x), case.reload().predict(case.x)
    if not np.array_equal(actual, expected):
        at = first_index(actual != expected)
        before = f"{expected[at]:.6g}, as before saving"
        raise violation(
            case, "round-trip", "predict", "output", f"{actual[at]:.6g} after loading", before, CAUSE, at
        )


def _check_copied_arrays(case: ModelCase) -> None:
    trained, loaded = case.fresh(), case.make(np.random.default_rng(case.seed + 1))
    if loaded is None:
        raise NotApplicable("nothing was saved, and the model can't be built anew")
    for _ in islice(train(trained, case.x, case.labels, 1e-2), 3):
        pass
    saved, arrays = ([model.params, model.state] for model in (trained, loaded))
    if [set(source) for source in saved] != [set(target) for target in arrays]:
        raise NotApplicable("a new model has other names in params and state")
    for source, target in zip(saved, arrays, strict=True):
        for name in source:
            target[name] = np.array(source[name])
    expected, actual = np.array(trained.predict(case.x)), loaded.predict(case.x)
    wrong = ~np.isclose(actual, expected, rtol=1e-3, atol=1e-5)
    if wrong.any():
        at = first_index(wrong)
        before = f"{expected[at]:.6g}, as before saving"
        raise violation(
            case, "round-trip", "predict", "output", f"{actual[at]:.6g} after loading", before, CAUSE, at
        )
