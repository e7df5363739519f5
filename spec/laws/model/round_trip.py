"""Weights that were saved and read again predict the same, bit for bit: nothing else needs to be saved."""

from __future__ import annotations

from itertools import islice

import numpy as np

from nnlaw.spec.arrays import first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws._mini_training import adam
from nnlaw.spec.laws.model._shared import accuse
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "round-trip",
    kind="model",
    family="state",
    statement="Weights that were saved and read again predict the same, bit for bit: nothing else needs to be saved.",
    depends_on=("registered", "train-eval", "gradient"),
)
def round_trip(case: ModelCase) -> None:
    """What was saved; where nothing was yet, params and state of a trained model, copied into one of another seed."""
    if case.reload is None:
        return _copied_over(case)
    expected, found = case.fresh().predict(case.x), case.reload().predict(case.x)
    if not np.array_equal(found, expected):
        at = first_index(found != expected)
        raise Violation(
            "round-trip",
            location=case.location("predict"),
            array="probabilities after reloading",
            index=at,
            actual=f"{found[at]:.6g}",
            expected=f"{expected[at]:.6g}, as before saving",
            cause="state that is neither in params nor in state, and so was not saved",
        )


def _copied_over(case: ModelCase) -> None:
    old, new = case.fresh(), case.make(np.random.default_rng(case.seed + 1))
    if new is None:
        raise NotApplicable("nothing was saved yet, and it can't be built anew")
    lessons = adam(old, case.x, case.labels, 1e-2)
    for _ in islice(lessons, 3):
        pass
    saved, known = ([m.params, getattr(m, "state", None) or {}] for m in (old, new))
    if [set(holder) for holder in saved] != [set(holder) for holder in known]:
        raise NotApplicable("the names of params and state are not those of a model built anew")
    for holder, into in zip(saved, known, strict=True):
        for name in holder:
            into[name] = np.array(holder[name])
    expected, found = np.array(old.predict(case.x)), new.predict(case.x)
    off = ~np.isclose(found, expected, rtol=1e-3, atol=1e-5)
    if off.any():
        at = first_index(off)
        cause = "something that training moves or chance made, and that is neither in params nor in state"
        found_, wanted = f"{found[at]:.6g} after loading", f"{expected[at]:.6g}, as before"
        accuse(case, "round-trip", "probabilities", found_, wanted, cause, at)
