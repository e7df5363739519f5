"""Dropout must preserve the mean, and draw a new mask for every call and every sample.

Finds the missing division by the keep probability, a mask that is drawn once and stored, and a mask shared by all
samples of a batch.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import ROWS
from nnlaw.spec.reference import LAYERS, numeric_constants, standard_name
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

REPEATS = 50  # calls in training mode


@law(
    "dropout-mean",
    kind="layer",
    family="randomness",
    statement="Dropout must preserve the mean, and draw a new mask for every call and every sample.",
    why="Without the division by the keep probability activations are larger in evaluation mode than in training, and "
    "the test accuracy suffers although the training loss looks right. A stored mask removes the same units forever.",
    depends_on=("gradient", "train-eval"),
)
def dropout_mean(case: LayerCase) -> None:
    """64 samples are passed 50 times in training mode and compared with the output in evaluation mode.

    Applies to a layer named dropout, and to one whose every output in training mode is its value in evaluation mode
    times 0 or times one constant. The mean over the draws must agree within six standard errors; declare
    keeps_mean = False if it is not meant to.
    """
    if len(case.moved) > 1:
        raise NotApplicable("several settings were changed, which may belong together")
    x: Array = np.resize(case.x, (ROWS, *case.x.shape[1:]))
    shifted = inside_domain(case.layer, x + np.where(x < 0, -1, 1).astype(x.dtype), x)  # away from 0
    try:
        in_eval = np.array(case.fresh(False).forward(shifted))
        layer = case.fresh(True)
        first = np.array(layer.forward(shifted))
    except ValueError:
        raise NotApplicable(f"the layer accepts no batch of {ROWS} samples") from None
    named = standard_name(case.layer, case.name, LAYERS) == "dropout"
    fixed = _is_masked(first, in_eval) and bool((first == 0)[in_eval != 0].any())
    if not in_eval.any() or not (named or case.is_random or fixed):
        raise NotApplicable("the layer draws nothing in training mode")
    outputs = [first, *(np.array(layer.forward(shifted)) for _ in range(REPEATS - 1))]
    if all(np.array_equal(y, in_eval) for y in outputs):
        if named and _has_drop_rate(case, in_eval.size):
            actual = f"the input, in {REPEATS} calls in training mode"
            raise _violation(case, "the output", actual, "the input with some entries set to 0")
        raise NotApplicable("the layer drops nothing")
    if not named and not all(_is_masked(y, in_eval) for y in outputs):
        raise NotApplicable("random, but not dropout")
    if all(np.array_equal(y, first) for y in outputs):
        cause = Cause("stored-mask", "often a mask that is drawn once and stored")
        raise _violation(case, "the dropout mask", "the same in every call", "a new mask per call", cause)
    masks = [(y != 0).reshape(ROWS, -1) for y in outputs]
    varied, dropped = any((m != m[0, 0]).any() for m in masks), any(not m.all() for m in masks)
    if (varied or (named and dropped)) and all((m == m[0]).all() for m in masks):
        mask_shape = "one sample" if varied else "a single number"
        cause = Cause("mask-of-one-sample", f"often a mask with the shape of {mask_shape}; draw one of the shape of x")
        raise _violation(case, "the dropout mask", "the same for all samples", "one mask per sample", cause)
    if declared_value(case.layer, "keeps_mean"):
        _check_mean(case, outputs, in_eval)


def _has_drop_rate(case: LayerCase, size: int) -> bool:
    """Whether a number on the layer is a rate at which something is almost certainly dropped in all the draws."""
    return any(min(rate, 1 - rate) * size * REPEATS > ROWS for rate in numeric_constants(case.layer))


def _is_masked(y: Array, in_eval: Array) -> bool:
    """Whether y is `in_eval` with some entries set to 0 and the others multiplied by one number other than 1."""
    kept = (y != 0) & (in_eval != 0)
    if not kept.any():
        return not y.any() and bool(in_eval.any())
    factors = y[kept] / in_eval[kept]
    same = bool(np.ptp(factors) <= 1e-4 * np.abs(factors).max())
    return same and (abs(float(factors.mean()) - 1) > 1e-4 or bool((y == 0)[in_eval != 0].any()))


def _check_mean(case: LayerCase, outputs: list[Array], in_eval: Array) -> None:
    """The mean of Σ y·ŷ / Σ ŷ² over the draws is 1 within six standard errors; ŷ is the output in evaluation mode."""
    reference = in_eval.astype(np.float64)
    ratios = np.array([float(np.vdot(y, reference)) for y in outputs]) / float(np.vdot(reference, reference))
    error = float(ratios.std() / np.sqrt(len(ratios)))
    if abs(ratios.mean() - 1) > max(6 * error, 5e-3):
        actual = f"{ratios.mean():.3g} times that in evaluation mode (mean of {REPEATS} calls)"
        cause = Cause(
            "missing-inverse-keep-probability",
            "often a missing division by the keep probability 1 − rate, or the rate used as the keep probability; if "
            "it is intended, declare keeps_mean = False",
        )
        raise _violation(case, "the mean output in training mode", actual, "the same mean", cause)


def _violation(case: LayerCase, array: str, actual: str, expected: str, cause: Cause = NO_CAUSE) -> Violation:
    return Violation(
        "dropout-mean",
        location=case.location("forward"),
        array=array,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )
