"""A setting must be accepted inside its declared range, refused outside, and have an effect.

It finds momentum that is accepted at 1 or above, and settings that are checked but not kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, WHY, check_settings
from nnlaw.spec.laws.optimizer._shared import walked
from nnlaw.spec.subjects.cases import OptimizerCase

STEPS, WEIGHTS = 30, 64  # as many as an optimizer of signs needs to show its settings


@law("settings", kind="optimizer", family="domain", statement=STATEMENT, why=WHY, depends_on=("definition",))
def settings(case: OptimizerCase) -> None:
    """For each setting with a declared range (`admits`), construct the optimizer with the included ends, values between
    them, and values outside. Values outside must raise a ValueError that names the setting. The weights after thirty
    steps on random gradients must not be the same for all accepted values.
    """

    def result(settings: dict[str, Any]) -> Array:
        rng = case.rng
        w = rng.standard_normal(WEIGHTS).astype(np.float32)
        gradients = rng.standard_normal(WEIGHTS) + 10.0 ** -rng.uniform(0, 2, (STEPS, 1)) * rng.standard_normal(
            (STEPS, WEIGHTS)
        )
        gradients[1::2] *= 0.05  # so that the past may be larger than the present
        path: Array = walked(case.make().create(settings), w, gradients.astype(np.float32))
        return path

    check_settings(case, case.make(), case.location("step"), result)
