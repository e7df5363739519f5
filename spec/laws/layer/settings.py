"""A setting must be accepted inside its declared range, rejected outside of it by name, and have an effect.

Finds a dropout rate of 1 that is accepted, and an argument that is stored but never used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, WHY, check_settings
from nnlaw.spec.subjects.cases import LayerCase


@law("settings", kind="layer", family="domain", statement=STATEMENT, why=WHY, depends_on=("definition",))
def settings(case: LayerCase) -> None:
    """For each value the layer is built with one seed; the outputs of two training calls and one in evaluation mode
    are compared.
    """

    def output_for(settings: dict[str, Any]) -> Array:
        layer = case.layer.create(settings).completed()
        layer.call("build", case.x.shape[1:], np.random.default_rng(case.seed))
        layer.to_float32()
        outputs = [np.array(layer.forward(x)).ravel() for x in (case.x, case.other_x)]
        layer.training = False
        return np.concatenate([*outputs, np.array(layer.forward(case.x)).ravel()])

    check_settings(case, case.layer, case.location("forward"), output_for)
