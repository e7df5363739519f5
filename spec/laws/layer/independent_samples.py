"""A row of the output must depend on the same row of the input only.

Finds means and sums over the batch axis, the most common axis mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.declared import inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import modes, skip_if_samples_are_coupled
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Violation

FACTOR = 1e3  # how much larger the other rows are made


@law(
    "independent-samples",
    kind="layer",
    family="shape",
    statement="A row of the output must depend on the same row of the input only, unless couples_samples is declared.",
    why="If samples influence each other, the prediction for an image depends on the images beside it, and a batch of "
    "one gives another result than a batch of 64.",
    depends_on=("pure", "batch-permutation"),
)
def independent_samples(case: LayerCase) -> None:
    """Each row is passed alone, and the first and the last row among rows that are 1000 times larger.

    Outputs are compared with a relative tolerance of 1e-4, in evaluation mode and, if the layer draws no random
    numbers, in training mode.
    """
    skip_if_samples_are_coupled(case)
    for training in modes(case):
        layer, chosen = case.fresh(training), (0, len(case.x) - 1)
        large = inside_domain(case.layer, case.x * case.x.dtype.type(FACTOR), case.x)
        batches = [np.where(_is_row(i, case.x), case.x, large) for i in chosen]
        together, *among_large = _outputs(layer, [case.x, *batches])
        alone = np.concatenate(_outputs(layer, [row[None] for row in case.x]))
        _check_rows(case, together, alone, f"in a batch of {len(case.x)}", slice(None))
        for i, y in zip(chosen, among_large, strict=True):
            _check_rows(case, y, alone, f"among rows {FACTOR:g} times larger", slice(i, i + 1))


def _outputs(layer: Subject, batches: Sequence[Array]) -> list[Array]:
    """The output for each batch, all of one shape, of a new copy."""
    return layer.sweep("forward", [batches[0].copy()], [(0, (None, batch)) for batch in batches], fresh=True)


def _is_row(i: int, x: Array) -> Array:
    """True in row i of an array like x."""
    is_row: Array = np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1)) == i
    return is_row


def _check_rows(case: LayerCase, actual: Array, alone: Array, batch: str, rows: slice) -> None:
    scale = float(np.abs(alone[rows]).max(initial=1e-30))
    wrong = np.zeros(alone.shape, bool)
    wrong[rows] = ~np.isclose(actual[rows], alone[rows], rtol=1e-4, atol=1e-5 * scale)
    if wrong.any():
        at = first_index(wrong)
        raise Violation(
            "independent-samples",
            location=case.location("forward"),
            array="output",
            index=at,
            actual=f"{actual[at]:.6g} {batch}",
            expected=f"{alone[at]:.6g}, as for the row alone",
            cause="often a mean, sum or other statistic over the wrong axis; if it is intended, declare "
            "couples_samples = True",
            cause_code="coupled-samples",
        )
