"""The gradients of a batch must be the sum of the gradients of its parts.

Finds factors and shapes that depend on the batch size, such as a second division by N.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import check_close, gradients_at, modes, skip_if_samples_are_coupled
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause

CAUSE = Cause("batch-size-factor", "often a factor or a shape that depends on the batch size")


@law(
    "batch-additive",
    kind="layer",
    family="gradient",
    statement="The parameter gradients of a batch must be the sum of those of its parts, and dx their concatenation.",
    why="The loss already divides by the batch size. If a layer does so too, the gradients depend on the batch size, "
    "and the smaller last batch of an epoch is weighted differently.",
    depends_on=("gradient", "independent-samples"),
)
def batch_additive(case: LayerCase) -> None:
    """The batch is compared with its first row plus the rest, and with its two halves.

    In float64 with a relative tolerance of 1e-7 (1e-3 if the layer computes in float32), in evaluation mode and, if
    the layer draws no random numbers, in training mode.
    """
    skip_if_samples_are_coupled(case)
    point = case.x.astype(np.float64)
    for training in modes(case):
        template = in_float64(case.fresh(training))
        dy = case.rng.standard_normal(np.shape(template.copy().forward(point)))

        def gradients_of_rows(rows: slice, template: Subject = template, dy: Array = dy) -> dict[str, Array]:
            return gradients_at(template, point[rows], dy[rows])

        whole = gradients_of_rows(slice(None))
        tolerance = 1e-3 if whole["dx"].dtype.itemsize < 8 else 1e-7
        for cut in {1, len(point) // 2} - {0, len(point)}:
            head, tail = gradients_of_rows(slice(cut)), gradients_of_rows(slice(cut, None))
            note = f"computed from two parts of {cut} and {len(point) - cut} rows"
            for name, actual in whole.items():
                expected = np.concatenate([head[name], tail[name]]) if name == "dx" else head[name] + tail[name]
                check_close(case, "batch-additive", "backward", name, actual, expected, CAUSE, tolerance, note)
