"""A row's output depends on that row alone, unless the layer claims couples_samples."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import modes, uncoupled
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import Violation

LOUD = 1e3  # how much larger the other rows are made


@law(
    "independent-samples",
    kind="layer",
    family="shape",
    statement="A row's output depends on that row alone, unless the layer claims couples_samples.",
    depends_on=("pure", "batch-permutation"),
)
def independent_samples(case: LayerCase) -> None:
    """In eval mode, and in training where nothing is drawn: each row alone, and among rows a thousand times larger."""
    uncoupled(case)
    for training in modes(case):
        together = np.array(case.fresh(training).forward(case.x))
        alone = np.concatenate([case.fresh(training).forward(row[None]) for row in case.x])
        _same_rows(case, together, alone, f"in a batch of {len(case.x)}", slice(None))
        loud = inside_domain(case.layer, case.x * case.x.dtype.type(LOUD), case.x)
        for i in (0, len(case.x) - 1):
            batch = loud.copy()
            batch[i] = case.x[i]
            among = np.array(case.fresh(training).forward(batch))
            _same_rows(case, among, alone, "among rows a thousand times larger", slice(i, i + 1))


def _same_rows(case: LayerCase, found: Array, alone: Array, company: str, rows: slice) -> None:
    scale = float(np.abs(alone[rows]).max(initial=1e-30))
    off = np.zeros(alone.shape, bool)
    off[rows] = ~np.isclose(found[rows], alone[rows], rtol=1e-4, atol=1e-5 * scale)
    if off.any():
        at = first_index(off)
        raise Violation(
            "independent-samples",
            location=case.location("forward"),
            array="output",
            index=at,
            actual=f"{found[at]:.6g} {company}",
            expected=f"{alone[at]:.6g}, as for that row alone",
            cause="a statistic taken over the wrong axis; if it is meant, claim couples_samples = True",
        )
