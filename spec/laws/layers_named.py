"""What a layer is called, it is: dropout keeps the mean, normalization normalizes, a known name is the textbook's."""

from __future__ import annotations

import copy

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import claim, within
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layers import differ
from nnlaw.spec.reference import LAYERS, constants, standard
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import DoesNotApply, Violation

ROWS, DRAWS = 64, 50  # dropout is judged on so many samples, so many times
NORMALIZED = 0.05  # how near mean 0 and deviation 1; the variance may be divided by N or by N − 1
RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "softmax": (0, 1), "relu6": (0, 6)}
STEPS = 400  # of training, after which running statistics are near the batch's or still on their way


@law(
    "dropout-mean",
    kind="layer",
    family="output range",
    statement="Dropout keeps the mean, draws afresh at each call, and for each sample by itself.",
    rests_on=("gradient", "train-eval"),
)
def dropout_mean(case: LayerCase) -> None:
    """Judged where in training every output is its eval value times one of two numbers, 0 and c, or bears the name."""
    x: Array = np.resize(case.x, (ROWS, *case.x.shape[1:]))
    spread = within(case.layer, x + np.where(x < 0, -1, 1).astype(x.dtype), x)  # away from zero, where nothing tells
    try:
        silent = np.array(case.fresh(False).forward(spread))
        layer = case.fresh(True)
        first = np.array(layer.forward(spread))
    except ValueError:
        raise DoesNotApply(f"it takes no batch of {ROWS}") from None
    named = standard(case.layer, case.name, LAYERS) == "dropout"
    fixed = _thinned(first, silent) and bool((first == 0)[silent != 0].any())
    if not silent.any() or not (named or case.draws or fixed):
        raise DoesNotApply("it draws nothing in training")
    drawn = [first, *(np.array(layer.forward(spread)) for _ in range(DRAWS - 1))]
    if all(np.array_equal(y, silent) for y in drawn):
        if named and _says_that_it_drops(case, silent.size):
            _accuse_dropout(case, "its output", f"its input in {DRAWS} draws of training", "some of it dropped", "")
        raise DoesNotApply("it drops nothing")
    if not named and not all(_thinned(y, silent) for y in drawn):
        raise DoesNotApply("it is random, but no dropout")
    if all(np.array_equal(y, first) for y in drawn):
        _accuse_dropout(case, "its mask", "the same at each call", "a fresh one", "a mask that is drawn once and kept")
    masks = [(y != 0).reshape(ROWS, -1) for y in drawn]
    varied, dropped = any((m != m[0, 0]).any() for m in masks), any(not m.all() for m in masks)
    if (varied or (named and dropped)) and all((m == m[0]).all() for m in masks):
        cause = f"a mask drawn for {'the features' if varied else 'everything'} alone; draw one of the shape of x"
        _accuse_dropout(case, "its mask", "one for the whole batch", "one for each sample", cause)
    if claim(case.layer, "keeps_mean"):
        _keeps_mean(case, drawn, silent)


def _says_that_it_drops(case: LayerCase, size: int) -> bool:
    """Whether it keeps a rate, or a share that is kept, at which something surely falls in all of the draws."""
    return any(min(kept, 1 - kept) * size * DRAWS > ROWS for kept in constants(case.layer))


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


def _claims_no_more(case: LayerCase, name: str) -> None:
    """A range that is wider than the textbook's by more than a hundredth would let through what it should not."""
    claimed, known = claim(case.layer, "range"), RANGES.get(name)
    if claimed and known and (claimed[0] < known[0] - 0.01 or claimed[1] > known[1] + 0.01):
        actual, expected = ("({:g}, {:g})".format(*bounds) for bounds in (claimed, known))
        where, array = case.where("forward"), "the claimed range"
        raise Violation("definition", where=where, array=array, actual=actual, expected=f"{expected}, that of {name}")


def _accuse_dropout(case: LayerCase, array: str, actual: str, expected: str, cause: str) -> None:
    raise Violation(
        "dropout-mean", where=case.where("forward"), array=array, actual=actual, expected=expected, cause=cause
    )


@law(
    "normalized",
    kind="layer",
    family="output range",
    statement="What is called a normalization gives mean 0 and variance 1 before its gain; its running statistics "
    "come to be the batch's.",
    rests_on=("gradient", "train-eval"),
)
def normalized(case: LayerCase) -> None:
    """On a wide batch away from zero, with gains of 1 and shifts of 0; batchnorm in training, the others in eval.

    Batchnorm on a narrow one too, beside which an ε that is none would show.
    """
    name = standard(case.layer, case.name, LAYERS)
    if name not in ("batchnorm", "layernorm", "rmsnorm"):
        raise DoesNotApply("it bears and claims no name of a normalization")
    if name != "batchnorm" and case.x[0].size < 2:
        raise DoesNotApply("one number has no variance")
    rows = case.rng.standard_normal((ROWS, *case.x.shape[1:]))
    x = (2 + 3 * rows * (1 + case.rng.random(case.x.shape[1:]))).astype(case.x.dtype)
    _is_normal(case, name, x)
    if name == "batchnorm":
        _is_normal(case, name, (2 + 0.5 * rows).astype(case.x.dtype))
        _converges(case, x)


def _is_normal(case: LayerCase, name: str, x: Array) -> None:
    layer = case.fresh(name == "batchnorm")
    for key, array in (getattr(layer, "params", None) or {}).items():
        layer.params[key] = np.zeros_like(array) if _shifts(key.lower(), array) else np.ones_like(array)
    y = np.asarray(layer.forward(x), np.float64)
    wanted = {"deviation": 1.0} if name == "rmsnorm" else {"mean": 0.0, "deviation": 1.0}
    off = {axes: _off(y, axes, wanted) for axes in _axes(name, y.ndim)}
    best = min(off, key=lambda axes: max(off[axes].values()))
    for what, far in off[best].items():
        if far > NORMALIZED:
            raise Violation(
                "normalized",
                where=case.where("forward"),
                array=f"the {what} over {'axis' if len(best) == 1 else 'axes'} {', '.join(map(str, best))}",
                actual=f"off by up to {far:.3g}",
                expected=f"{wanted[what]:g} before the gain",
                cause="the wrong axis, a variance for a deviation, a mean that is not subtracted, or too large an ε",
            )


def _shifts(key: str, array: Array) -> bool:
    """Whether a parameter of a normalization is its shift: by its name, or because it starts at zero."""
    if any(word in key for word in ("beta", "bias", "shift", "offset")) or key == "b":
        return True
    return not array.any() and not any(word in key for word in ("gamma", "gain", "scale", "weight"))


def _axes(name: str, ndim: int) -> list[tuple[int, ...]]:
    """Over which axes: of each feature or channel for batchnorm, of each sample or position for the others."""
    if name == "batchnorm":
        return list(dict.fromkeys([(0,), tuple(range(ndim - 1)), (0, *range(2, ndim))]))
    return list(dict.fromkeys([tuple(range(1, ndim)), (ndim - 1,)]))


def _off(y: Array, axes: tuple[int, ...], wanted: dict[str, float]) -> dict[str, float]:
    mean, count = y.mean(axis=axes), np.prod([y.shape[i] for i in axes])
    deviation = np.sqrt((y**2).mean(axis=axes) - (mean**2 if "mean" in wanted else 0))
    unbiased = np.sqrt((count - 1) / count)  # where the variance was divided by n − 1
    off = {"mean": np.abs(mean), "deviation": np.minimum(np.abs(deviation - 1), np.abs(deviation - unbiased))}
    return {what: float(off[what].max()) for what in wanted}


def _converges(case: LayerCase, x: Array) -> None:
    """Eval comes to answer what training answers on the one batch it is fed, or is still getting nearer."""
    layer = case.fresh(True)
    goal = np.array(layer.forward(x), np.float64)
    scale = float(goal.std()) or 1.0
    far = []
    for step in range(1, STEPS + 1):
        layer.forward(x)
        if step in (STEPS // 2, STEPS):
            seen = copy.deepcopy(layer)
            seen.training = False
            far.append(float(np.abs(seen.forward(x) - goal).max()) / scale)
    if far[1] > 2 * NORMALIZED and far[1] > 0.995 * far[0]:
        raise Violation(
            "normalized",
            where=case.where("forward"),
            array="the output in eval mode",
            actual=f"off by {far[1]:.3g} deviations after {STEPS} steps on one batch, {far[0]:.3g} half-way",
            expected="ever nearer to that in training",
            cause="running statistics that are not updated, mixed up, or not used in eval mode",
        )


@law(
    "definition",
    kind="layer",
    family="convergence",
    statement="A layer that bears or claims a standard name computes the textbook's values.",
    rests_on=("gradient", "stable", "normalized", "independent-samples"),
)
def definition(case: LayerCase) -> None:
    """At two scales, in float64, one and the same variant must fit; batchnorm in training, all else in eval."""
    name = standard(case.layer, case.name, LAYERS)
    if name not in LAYERS:
        raise DoesNotApply("it bears and claims no standard name")
    _claims_no_more(case, name)
    layer = in_float64(case.fresh(name == "batchnorm"))
    points = [within(case.layer, scale * case.x.astype(np.float64), case.x) for scale in (1.0, 6.0)]
    found = [np.array(copy.deepcopy(layer).forward(x), np.float64) for x in points]
    params = {key: np.asarray(array, np.float64) for key, array in (getattr(layer, "params", None) or {}).items()}
    kept = constants(case.layer) + [float(array.item()) for array in params.values() if array.size == 1]
    misses = []
    for variant in LAYERS[name].variants:
        for wanted in variant(points, params, kept):
            pairs = list(zip(found, wanted, strict=True))
            if all(y.shape == w.shape for y, w in pairs):
                off = max(float(np.abs(y - w).max() / max(1.0, np.abs(w).max())) for y, w in pairs)
                if off <= 1e-4:
                    return
                misses.append((off if off == off else np.inf, wanted))
    if not misses:
        raise DoesNotApply(f"its shapes or parameters are not those of {name}")
    cause = f"another function than that of {LAYERS[name].source}"
    for y, w in zip(found, min(misses, key=lambda miss: miss[0])[1], strict=True):
        far = ~(np.abs(y - w) <= 1e-4 * max(1.0, np.abs(w).max()))
        if far.any():
            differ(case, "definition", "forward", f"the output of what is called {name}", y, w, cause, far)
