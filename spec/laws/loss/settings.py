"""A setting is accepted where it is declared to lie, refused elsewhere by name, and has an effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, judge
from nnlaw.spec.subjects.cases import LossCase


@law("settings", kind="loss", family="domain", statement=STATEMENT, depends_on=("definition",))
def settings(case: LossCase) -> None:
    """Of one batch: the loss and its gradient."""

    def answer(settings: dict[str, Any]) -> Array:
        made = type(case.loss)(**settings)
        value = made.forward(case.prediction.copy(), case.target)
        return np.append(np.array(made.backward()).ravel(), value)

    judge(case, type(case.loss), case.location("forward"), answer)
