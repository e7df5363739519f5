"""A setting is accepted where it is declared to lie, refused elsewhere by name, and has an effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, judge
from nnlaw.spec.subjects.cases import FunctionCase


@law("settings", kind="schedule", family="domain", statement=STATEMENT, depends_on=("definition",))
def settings(case: FunctionCase) -> None:
    """The factors of forty times."""

    def answer(settings: dict[str, Any]) -> Array:
        return np.array([case.thing(t, **settings) for t in np.linspace(0, 1, 41)])

    judge(case, case.thing, case.location, answer)
