"""A setting must be accepted inside its declared range, refused outside, and have an effect.

It finds settings that are checked but not kept, and bounds that are one off.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, WHY, check_settings
from nnlaw.spec.subjects.cases import LossCase


@law("settings", kind="loss", family="domain", statement=STATEMENT, why=WHY, depends_on=("definition",))
def settings(case: LossCase) -> None:
    """For each setting with a declared range (`admits`), construct the loss with the included ends, values between
    them, and values outside. Values outside must raise a ValueError that names the setting. Loss and gradient of one
    batch must not be the same for all accepted values.
    """

    def result(settings: dict[str, Any]) -> Array:
        loss = case.loss.create(settings)
        value = loss.forward(case.prediction.copy(), case.target)
        return np.append(np.array(loss.backward()).ravel(), value)

    check_settings(case, case.loss, case.location("forward"), result)
