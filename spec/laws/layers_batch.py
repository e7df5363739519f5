"""The laws of a batch: rows in any order, each for itself, and a batch as the sum of its parts."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.claims import claim, within
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layers import answers, close, modes
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import DoesNotApply, Violation

LOUD = 1e3  # how much larger the other rows are made


def _uncoupled(case: LayerCase) -> None:
    if claim(case.layer, "couples_samples"):
        raise DoesNotApply("the layer claims couples_samples")


@law(
    "batch-permutation",
    kind="layer",
    family="shape",
    statement="Rows in another order give the same outputs in that order, unless the layer claims couples_samples.",
    rests_on=("pure",),
)
def batch_permutation(case: LayerCase) -> None:
    """Every row moves by one place."""
    _uncoupled(case)
    for training in modes(case):
        wanted = np.roll(case.fresh(training).forward(case.x), 1, axis=0)
        found = case.fresh(training).forward(np.roll(case.x, 1, axis=0))
        cause = "something that depends on a row's place in the batch: a cumulative sum, a stored row, a fixed mask"
        close(case, "batch-permutation", "forward", "output of the rolled batch", found, wanted, cause)


@law(
    "independent-samples",
    kind="layer",
    family="shape",
    statement="A row's output depends on that row alone, unless the layer claims couples_samples.",
    rests_on=("pure", "batch-permutation"),
)
def independent_samples(case: LayerCase) -> None:
    """In eval mode, and in training where nothing is drawn: each row alone, and among rows a thousand times larger."""
    _uncoupled(case)
    for training in modes(case):
        together = np.array(case.fresh(training).forward(case.x))
        alone = np.concatenate([case.fresh(training).forward(row[None]) for row in case.x])
        _same_rows(case, together, alone, f"in a batch of {len(case.x)}", slice(None))
        loud = within(case.layer, case.x * case.x.dtype.type(LOUD), case.x)
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
            where=case.where("forward"),
            array="output",
            index=at,
            actual=f"{found[at]:.6g} {company}",
            expected=f"{alone[at]:.6g}, as for that row alone",
            cause="a statistic taken over the wrong axis; if it is meant, claim couples_samples = True",
        )


@law(
    "batch-additive",
    kind="layer",
    family="convergence",
    statement="The parameter gradients of a batch are the sums of those of its parts, and its dx their dx.",
    rests_on=("gradient", "independent-samples"),
)
def batch_additive(case: LayerCase) -> None:
    """The first row and the rest, and two halves, in float64: the sum must not depend on how many rows there are."""
    _uncoupled(case)
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
