"""What is called a normalization gives mean 0 and variance 1 before its gain; its running statistics come to be the
batch's.
"""

from __future__ import annotations

import copy

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._shared import ROWS
from nnlaw.spec.reference import LAYERS, standard_name
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.violation import NotApplicable, Violation

NORMALIZED = 0.05  # how near mean 0 and deviation 1; the variance may be divided by N or by N − 1
STEPS = 400  # of training, after which running statistics are near the batch's or still on their way


@law(
    "normalized",
    kind="layer",
    family="numerics",
    statement="What is called a normalization gives mean 0 and variance 1 before its gain; its running statistics "
    "come to be the batch's.",
    depends_on=("gradient", "train-eval"),
)
def normalized(case: LayerCase) -> None:
    """On a wide batch away from zero, with gains of 1 and shifts of 0; batchnorm in training, the others in eval.

    Batchnorm on a narrow one too, beside which an ε that is none would show.
    """
    name = standard_name(case.layer, case.name, LAYERS)
    if name not in ("batchnorm", "layernorm", "rmsnorm"):
        raise NotApplicable("it bears and claims no name of a normalization")
    if name != "batchnorm" and case.x[0].size < 2:
        raise NotApplicable("one number has no variance")
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
                location=case.location("forward"),
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
            location=case.location("forward"),
            array="the output in eval mode",
            actual=f"off by {far[1]:.3g} deviations after {STEPS} steps on one batch, {far[0]:.3g} half-way",
            expected="ever nearer to that in training",
            cause="running statistics that are not updated, mixed up, or not used in eval mode",
        )
