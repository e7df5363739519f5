"""A setting must be accepted inside its declared range, refused outside, and have an effect.

It finds momentum that is accepted at 1 or above, and settings that are checked but not kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, WHY, check_settings
from nnlaw.spec.subjects.cases import OptimizerCase


@law("settings", kind="optimizer", family="domain", statement=STATEMENT, why=WHY, depends_on=("definition",))
def settings(case: OptimizerCase) -> None:
    """For each setting with a declared range (`admits`), construct the optimizer with the included ends, values between
    them, and values outside. Values outside must raise a ValueError that names the setting. The weights after three
    steps on random gradients must not be the same for all accepted values.
    """

    def result(settings: dict[str, Any]) -> Array:
        optimizer, rng = case.make().create(settings), case.rng
        w = rng.standard_normal(16).astype(np.float32)
        for _ in range(3):
            optimizer.step(w, rng.standard_normal(16).astype(np.float32), 0.1)
        return w

    check_settings(case, case.make(), case.location("step"), result)
