"""A normalization layer must return mean 0 and variance 1, and its running statistics must approach the batch's.

Finds the wrong axis, the variance in place of the standard deviation, a mean that is not subtracted, an ε that is too
large, and running statistics that are not updated or not used.
"""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.law import law
from nnlaw.spec.laws.layer._running_statistics import SHARE, possible_axes, running_shares
from nnlaw.spec.laws.layer._shared import ROWS
from nnlaw.spec.reference import LAYERS, standard_name
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NotApplicable, Violation

TOLERANCE = 0.05  # of mean and standard deviation; the variance may be divided by N or by N − 1
STEPS = 400  # training steps, after which running statistics are close to the batch's or still approaching them


@law(
    "normalized",
    kind="layer",
    family="numerics",
    statement="A normalization layer must return mean 0 and variance 1 before its gain, and its running statistics "
    "must approach those of the batch.",
    why="Normalization keeps activations at a fixed scale, which allows higher learning rates. With a wrong axis or "
    "wrong running statistics the network still trains, but predicts badly in evaluation mode.",
    depends_on=("gradient", "train-eval"),
)
def normalized(case: LayerCase) -> None:
    """64 samples with mean 2 and standard deviations of 3 to 6 per feature, gains of 1 and shifts of 0.

    Mean and standard deviation of the output may be off by 0.05: batch normalization in training mode, also for a
    standard deviation of 0.5, where a large ε shows; layer and RMS normalization in evaluation mode. After 400
    training steps on one batch, the output of batch normalization in evaluation mode is close to that in training
    mode, or still approaching it; after one, running mean and variance have moved by the same share.
    """
    name = standard_name(case.layer, case.name, LAYERS)
    if name not in ("batchnorm", "layernorm", "rmsnorm"):
        raise NotApplicable("not a normalization layer")
    if len(case.layer.attribute("input_shapes", ()) or ()) > 1:
        raise NotApplicable("gain and shift are inputs")
    if name != "batchnorm" and case.x[0].size < 2:
        raise NotApplicable("a single number has no variance")
    rows = case.rng.standard_normal((ROWS, *case.x.shape[1:]))
    x = (2 + 3 * rows * (1 + case.rng.random(case.x.shape[1:]))).astype(case.x.dtype)
    _check_moments(case, name, x)
    if name == "batchnorm":
        _check_moments(case, name, (2 + 0.5 * rows).astype(case.x.dtype))
        _check_shares(case, x)
        _check_running_statistics(case, x)


def _check_moments(case: LayerCase, name: str, x: Array) -> None:
    layer = case.fresh(name == "batchnorm")
    starts = dict(layer.params.items())
    for key, array in starts.items():
        layer.params[key] = np.ones_like(array)
    shifts = [key for key, array in starts.items() if _is_shift(key.lower(), array) or _adds(layer, key, x)]
    for key in shifts:
        layer.params[key] = np.zeros_like(starts[key])
    y = np.asarray(layer.forward(x), np.float64)
    moments = {"standard deviation": 1.0} if name == "rmsnorm" else {"mean": 0.0, "standard deviation": 1.0}
    errors = {axes: _errors(y, axes, moments) for axes in possible_axes(name, y.ndim)}
    best = min(errors, key=lambda axes: max(errors[axes].values()))
    for moment, error in errors[best].items():
        if error > TOLERANCE:
            raise Violation(
                "normalized",
                location=case.location("forward"),
                array=f"the {moment} over {'axis' if len(best) == 1 else 'axes'} {', '.join(map(str, best))}",
                actual=f"off by up to {error:.3g}",
                expected=f"{moments[moment]:g} before the gain",
                cause="often the wrong axis, the variance in place of the standard deviation, a mean that is not "
                "subtracted, or an ε that is too large",
                cause_code="wrong-normalization",
            )


def _adds(layer: Subject, key: str, x: Array) -> bool:
    """Whether an output grows by what is added to a parameter."""
    array, outputs = layer.params[key], []
    for value in (array, array + 1):
        layer.params[key] = value
        outputs.append(np.asarray(layer.forward(x), np.float64))
    layer.params[key] = array
    return bool(np.allclose(outputs[1] - outputs[0], 1, atol=1e-4))


def _is_shift(key: str, array: Array) -> bool:
    """Whether a parameter of a normalization is its shift: by its name, or because it starts at zero."""
    if any(word in key for word in ("beta", "bias", "shift", "offset")) or key == "b":
        return True
    return not array.any() and not any(word in key for word in ("gamma", "gain", "scale", "weight"))


def _errors(y: Array, axes: tuple[int, ...], moments: dict[str, float]) -> dict[str, float]:
    """The largest error of each moment over these axes. For RMS normalization the mean is not subtracted."""
    mean, count = y.mean(axis=axes), np.prod([y.shape[i] for i in axes])
    deviation = np.sqrt((y**2).mean(axis=axes) - (mean**2 if "mean" in moments else 0))
    unbiased = np.sqrt((count - 1) / count)  # if the variance was divided by N − 1
    errors = {
        "mean": np.abs(mean),
        "standard deviation": np.minimum(np.abs(deviation - 1), np.abs(deviation - unbiased)),
    }
    return {moment: float(errors[moment].max()) for moment in moments}


def _check_shares(case: LayerCase, x: Array) -> None:
    """Running mean and variance move by the same share of the way to the statistics of the batch."""
    for means, variances in running_shares(case, x):
        if abs(means - variances) > SHARE:
            raise Violation(
                "normalized",
                location=case.location("forward"),
                array="the share of the batch in the running variance",
                actual=f"{variances:.3g}",
                expected=f"{means:.3g}, as in the running mean",
                cause="often momentum and 1 − momentum swapped in one of the two",
                cause_code="swapped-factors",
            )


def _evaluated(case: LayerCase, x: Array) -> list[Array | None]:
    """The outputs in evaluation mode, after half of the training steps and after all."""
    if not case.registered:  # each of its calls is on a new copy
        if not case.layer.has("evaluated"):
            return [None]
        return [case.fresh(True).call("evaluated", x, x, steps) for steps in (STEPS // 2, STEPS)]
    layer, found = case.fresh(True), list[Array | None]()
    for step in range(1, STEPS + 1):
        layer.forward(x)
        if step in (STEPS // 2, STEPS):
            evaluated = layer.copy()
            evaluated.training = False
            found.append(np.array(evaluated.forward(x)))
    return found


def _check_running_statistics(case: LayerCase, x: Array) -> None:
    """After many training steps on one batch, evaluation mode gives the output of training mode, or approaches it."""
    if not case.registered and not case.layer.attribute("has_mode", False):
        return
    in_training = np.array(case.fresh(True).forward(x), np.float64)
    scale = float(in_training.std()) or 1.0
    outputs = _evaluated(case, x)
    if any(y is None or y.shape != in_training.shape for y in outputs):
        return
    errors = [float(np.abs(y - in_training).max()) / scale for y in outputs if y is not None]
    if errors[1] > 2 * TOLERANCE and errors[1] > 0.995 * errors[0]:
        raise Violation(
            "normalized",
            location=case.location("forward"),
            array="the output in evaluation mode",
            actual=f"off by {errors[1]:.3g} standard deviations after {STEPS} training steps on one batch "
            f"({errors[0]:.3g} after {STEPS // 2})",
            expected="closer and closer to that in training mode",
            cause="often running statistics that are not updated, are mixed up, or are not used in evaluation mode",
            cause_code="running-statistics",
        )
