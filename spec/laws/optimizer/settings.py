"""A setting is accepted where it is declared to lie, refused elsewhere by name, and has an effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, judge
from nnlaw.spec.subjects.cases import OptimizerCase


@law("settings", kind="optimizer", family="domain", statement=STATEMENT, depends_on=("definition",))
def settings(case: OptimizerCase) -> None:
    """The way of a few steps."""

    def answer(settings: dict[str, Any]) -> Array:
        made, rng = type(case.make())(**settings), case.rng
        w = rng.standard_normal(16).astype(np.float32)
        for _ in range(3):
            made.step(w, rng.standard_normal(16).astype(np.float32), 0.1)
        return w

    judge(case, type(case.make()), case.location("step"), answer)
