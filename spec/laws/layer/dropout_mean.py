"""Dropout keeps the mean, draws afresh at each call, and for each sample by itself."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import DRAWS, ROWS
from nnlaw.spec.reference import LAYERS, numeric_constants, standard_name
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "dropout-mean",
    kind="layer",
    family="numerics",
    statement="Dropout keeps the mean, draws afresh at each call, and for each sample by itself.",
    depends_on=("gradient", "train-eval"),
)
def dropout_mean(case: LayerCase) -> None:
    """Judged where in training every output is its eval value times one of two numbers, 0 and c, or bears the name."""
    x: Array = np.resize(case.x, (ROWS, *case.x.shape[1:]))
    spread = inside_domain(case.layer, x + np.where(x < 0, -1, 1).astype(x.dtype), x)  # away from zero
    try:
        silent = np.array(case.fresh(False).forward(spread))
        layer = case.fresh(True)
        first = np.array(layer.forward(spread))
    except ValueError:
        raise NotApplicable(f"it takes no batch of {ROWS}") from None
    named = standard_name(case.layer, case.name, LAYERS) == "dropout"
    fixed = _thinned(first, silent) and bool((first == 0)[silent != 0].any())
    if not silent.any() or not (named or case.is_random or fixed):
        raise NotApplicable("it draws nothing in training")
    drawn = [first, *(np.array(layer.forward(spread)) for _ in range(DRAWS - 1))]
    if all(np.array_equal(y, silent) for y in drawn):
        if named and _says_that_it_drops(case, silent.size):
            _accuse_dropout(case, "its output", f"its input in {DRAWS} draws of training", "some of it dropped", "")
        raise NotApplicable("it drops nothing")
    if not named and not all(_thinned(y, silent) for y in drawn):
        raise NotApplicable("it is random, but no dropout")
    if all(np.array_equal(y, first) for y in drawn):
        _accuse_dropout(case, "its mask", "the same at each call", "a fresh one", "a mask that is drawn once and kept")
    masks = [(y != 0).reshape(ROWS, -1) for y in drawn]
    varied, dropped = any((m != m[0, 0]).any() for m in masks), any(not m.all() for m in masks)
    if (varied or (named and dropped)) and all((m == m[0]).all() for m in masks):
        cause = f"a mask drawn for {'the features' if varied else 'everything'} alone; draw one of the shape of x"
        _accuse_dropout(case, "its mask", "one for the whole batch", "one for each sample", cause)
    if declared_value(case.layer, "keeps_mean"):
        _keeps_mean(case, drawn, silent)


def _says_that_it_drops(case: LayerCase, size: int) -> bool:
    """Whether it keeps a rate, or a share that is kept, at which something surely falls in all of the draws."""
    return any(min(kept, 1 - kept) * size * DRAWS > ROWS for kept in numeric_constants(case.layer))


def _thinned(y: Array, silent: Array) -> bool:
    """Whether y is `silent` with some entries set to zero and the others multiplied by one number that is not 1."""
    kept = (y != 0) & (silent != 0)
    if not kept.any():
        return not y.any() and bool(silent.any())
    factors = y[kept] / silent[kept]
    same = bool(np.ptp(factors) <= 1e-4 * np.abs(factors).max())
    return same and (abs(float(factors.mean()) - 1) > 1e-4 or bool((y == 0)[silent != 0].any()))


def _keeps_mean(case: LayerCase, drawn: list[Array], silent: Array) -> None:
    """The mean of Σ y·ŷ / Σ ŷ² over the draws is 1 within six standard errors, ŷ being the output in eval."""
    wide = silent.astype(np.float64)
    shares = np.array([float(np.vdot(y, wide)) for y in drawn]) / float(np.vdot(wide, wide))
    error = float(shares.std() / np.sqrt(len(shares)))
    if abs(shares.mean() - 1) > max(6 * error, 5e-3):
        found = f"{shares.mean():.3g} times that in eval mode, over {DRAWS} draws"
        cause = "no division by the share that is kept, 1 − rate, or a rate that is taken for its complement"
        _accuse_dropout(case, "the mean output in training", found, "the same, on average; or claim keeps_mean", cause)


def _accuse_dropout(case: LayerCase, array: str, actual: str, expected: str, cause: str) -> None:
    raise Violation(
        "dropout-mean", location=case.location("forward"), array=array, actual=actual, expected=expected, cause=cause
    )
