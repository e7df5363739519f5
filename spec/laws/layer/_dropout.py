"""What dropout computes in training mode: some entries become 0, and all others are multiplied by one number."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.reference import Settings
from nnlaw.spec.reference.names import possible_names
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.hyperparameters import numeric_attributes
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

ENTRIES = 2000  # of x at least, so that the share of zeros is known within a few percent
AMBIGUOUS = ("p", "prob", "probability", "ratio")
"""Names under which code keeps the probability to drop an entry, or that to keep one."""
SWAPPED = Cause("keep-and-drop-swapped", "the probability to drop an entry is used as that to keep it, or the reverse")
NOT_SCALED = Cause(
    "missing-inverse-keep-probability",
    "the output is not divided by the probability to keep an entry in training mode, nor multiplied by it in "
    "evaluation mode",
)
SQUARED = Cause("variance-as-deviation", "the variance rate/(1 − rate) is used as the standard deviation")
OF_INPUT = Cause("mask-of-the-input", "the mask is computed from the input instead of from random numbers alone")
DIVISOR = Cause("keep-and-drop-swapped", "divided by the probability to drop an entry instead of that to keep it")


def check_dropout(case: LayerCase, note: str) -> None:
    """Compare the share of entries that are kept, and their factor, with the probability that the instance stores.

    Plain and inverted dropout are right: the factor is 1, or 1 over the probability to keep an entry. That probability
    is the argument of a function, or 1 minus it, by its name; for an attribute, or a name such as `p`, both are right.
    """
    repeats = -(-ENTRIES // case.x.size)
    x = np.concatenate([np.where(case.x < 0, case.x - 1, case.x + 1)] * repeats)
    try:
        y = np.asarray(case.fresh(True).forward(x), np.float64)
    except Exception:
        raise NotApplicable("it takes no larger batch") from None
    if y.shape != x.shape or (y != 0).all() or not y.any():
        raise NotApplicable("it drops nothing")
    settings = Settings(numeric_attributes(case.layer))
    keeps = settings.named("keep") + [1 - rate for rate in settings.named("drop")]
    either = [settings.numbers[name] for name in AMBIGUOUS if name in settings.numbers]
    if not case.values_only:  # a class may store 1 minus its argument under the same name
        either += keeps
    keeps = [*either, *(1 - p for p in either)] if either else keeps
    kept = y != 0
    sampled = _mask_entries(kept, repeats)
    share, factors = float(kept.mean()), (y / x)[kept]
    if np.ptp(factors) > 1e-6 * np.abs(factors).max():
        raise NotApplicable("its factors differ, so it is not dropout with a mask of zeros")
    factor, error = float(factors.mean()), 5 * float(np.sqrt(share * (1 - share) / sampled))
    near = [keep for keep in keeps if abs(keep - share) <= error]
    if keeps and not near:
        swapped = abs(1 - keeps[0] - share) <= error
        _fail(case, "the share of entries that are kept", share, keeps[0], SWAPPED if swapped else NO_CAUSE, note)
    second, opposite = (np.asarray(case.fresh(True).forward(each)) != 0 for each in (x, -x))
    if np.array_equal(second, kept) and not np.array_equal(opposite, kept):
        same = float((opposite == kept).mean())
        _fail(case, "the share of entries that are kept or dropped for -x, too", same, 1, OF_INPUT, note)
    likely = near or [share]
    if abs(factor - 1) > 1e-6 and all(abs(factor * keep - 1) > 1e-2 + (0 if near else error) for keep in likely):
        cause = DIVISOR if abs(factor * (1 - likely[0]) - 1) <= 1e-2 else NO_CAUSE
        _fail(case, "the factor of the entries that are kept", factor, 1 / likely[0], cause, note)
    expected = [factor * keep for keep in likely]
    _check_evaluation(case, x, factor, expected, 1e-2 if near else 1e-2 + error, note)


def is_dropout_of_maps(name: str) -> bool:
    """Whether a name is that of dropout that drops whole feature maps."""
    return not MAPS.isdisjoint(possible_names(name))


MAPS = frozenset({"spatialdropout", "channeldropout", "dropout1d", "dropout2d", "dropout3d", "spatialdropout1d",
                  "spatialdropout2d", "spatialdropout3d"})  # fmt: skip


def is_gaussian_dropout(name: str) -> bool:
    """Whether a name is that of dropout with factors from a normal distribution."""
    return "gaussiandropout" in possible_names(name)


def check_gaussian_dropout(case: LayerCase, note: str) -> None:
    """The factors have mean 1 and variance rate/(1 − rate) (N. Srivastava et al., JMLR 15 (2014), section 10)."""
    settings = Settings(numeric_attributes(case.layer))
    rates = settings.named("drop") + [1 - keep for keep in settings.named("keep")]
    either = [settings.numbers[name] for name in AMBIGUOUS if name in settings.numbers]
    rates = [rate for rate in (*rates, *either, *(1 - p for p in either)) if 0 < rate < 1]
    repeats = -(-10 * ENTRIES // case.x.size)
    x = np.concatenate([np.where(case.x < 0, case.x - 1, case.x + 1)] * repeats)
    try:
        factors = np.asarray(case.fresh(True).forward(x), np.float64) / x
    except Exception:
        raise NotApplicable("it takes no larger batch") from None
    if not rates:
        raise NotApplicable("found no number that is its rate")
    mean, variance = float(factors.mean()), float(factors.var())
    error = 6 * np.sqrt(2 / factors.size)
    if abs(mean - 1) > 6 * np.sqrt(variance / factors.size):
        _fail(case, "the mean of the factors", mean, 1.0, NO_CAUSE, note)
    expected = [rate / (1 - rate) for rate in rates]
    if all(abs(variance / each - 1) > error for each in expected):
        squared = any(abs(variance / each**2 - 1) <= error * 2 for each in expected)
        _fail(case, "the variance of the factors", variance, expected[0], SQUARED if squared else NO_CAUSE, note)


def _check_evaluation(
    case: LayerCase, x: Array, factor: float, expected: list[float], tolerance: float, note: str
) -> None:
    """The output in evaluation mode must be x times one of the expected numbers, the mean factors of training mode."""
    if not case.layer.attribute("has_mode", False):
        return
    ratios = np.asarray(case.fresh(False).forward(x), np.float64) / x
    if np.ptp(ratios) > 1e-6:
        return  # the law train-eval reports random numbers in evaluation mode
    found = float(ratios.flat[0])
    if all(abs(found - each) > tolerance for each in expected):
        cause = NOT_SCALED if found == factor == 1 else NO_CAUSE
        _fail(case, "the factor of the input in evaluation mode", found, expected[0], cause, note)


def _mask_entries(kept: Array, repeats: int) -> int:
    """The number of random entries of the mask, at least: it may be one for several samples, or for several entries."""
    batches, rows = kept.reshape(repeats, -1), kept.reshape(len(kept), -1)
    distinct = [np.unique(each, axis=0) for each in (batches, rows[: len(kept) // repeats], rows.T)]
    return int(np.prod([len(each) for each in distinct]))


def _fail(case: LayerCase, what: str, actual: float, expected: float, cause: Cause, note: str) -> None:
    raise Violation(
        "definition",
        location=case.location("forward"),
        array=what,
        actual=f"{actual:.3g}",
        expected=f"{expected:.3g}",
        cause=cause.text,
        cause_code=cause.code,
        note=note,
    )
