"""A setting is accepted where it is declared to lie, refused elsewhere by name, and has an effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws._settings import STATEMENT, check_settings
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.layer_protocol import complete_layer, convert_to_float32


@law("settings", kind="layer", family="domain", statement=STATEMENT, depends_on=("definition",))
def settings(case: LayerCase) -> None:
    """Built from one seed: two batches in training, then one in eval."""

    def answer(settings: dict[str, Any]) -> Array:
        made = complete_layer(type(case.layer)(**settings))
        made.build(case.x.shape[1:], np.random.default_rng(case.seed))
        convert_to_float32(made)
        found = [np.array(made.forward(x)).ravel() for x in (case.x, case.other_x)]
        made.training = False
        return np.concatenate([*found, np.array(made.forward(case.x)).ravel()])

    check_settings(case, type(case.layer), case.location("forward"), answer)
