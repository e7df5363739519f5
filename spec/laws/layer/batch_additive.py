"""The parameter gradients of a batch are the sums of those of its parts, and its dx their dx."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import answers, close, modes, uncoupled
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "batch-additive",
    kind="layer",
    family="gradient",
    statement="The parameter gradients of a batch are the sums of those of its parts, and its dx their dx.",
    depends_on=("gradient", "independent-samples"),
)
def batch_additive(case: LayerCase) -> None:
    """The first row and the rest, and two halves, in float64: the sum must not depend on how many rows there are."""
    uncoupled(case)
    point = case.x.astype(np.float64)
    for training in modes(case):
        template = in_float64(case.fresh(training))
        dy = case.rng.standard_normal(np.shape(copy.deepcopy(template).forward(point)))

        def part(rows: slice, of: Any = template, slope: Array = dy) -> dict[str, Array]:
            probe = copy.deepcopy(of)
            probe.forward(point[rows])
            return answers(probe, slope[rows])

        whole = part(slice(None))
        tolerance = 1e-3 if whole["dx"].dtype.itemsize < 8 else 1e-7
        for cut in {1, len(point) // 2} - {0, len(point)}:
            head, tail = part(slice(cut)), part(slice(cut, None))
            cause = "a factor or a shape that depends on the size of the batch"
            for name, found in whole.items():
                wanted = np.concatenate([head[name], tail[name]]) if name == "dx" else head[name] + tail[name]
                what = f"{name} of a batch of {len(point)}"
                close(case, "batch-additive", "backward", what, found, wanted, cause, tolerance)
