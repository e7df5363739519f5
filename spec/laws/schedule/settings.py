"""A setting must be accepted inside its declared range, refused outside, and have an effect.

It finds bounds that are one off, such as a floor of 0 that is refused, and settings that are not used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, WHY, check_settings
from nnlaw.spec.subjects.cases import FunctionCase


@law("settings", kind="schedule", family="domain", statement=STATEMENT, why=WHY, depends_on=("definition",))
def settings(case: FunctionCase) -> None:
    """For each setting with a declared range (`admits`), call the schedule with the included ends, values between them,
    and values outside. Values outside must raise a ValueError that names the setting. The factors at 41 times must not
    be the same for all accepted values.
    """

    def result(settings: dict[str, Any]) -> Array:
        return np.array([case.thing(t, **settings) for t in np.linspace(0, 1, 41)])

    check_settings(case, case.thing, case.location, result)
