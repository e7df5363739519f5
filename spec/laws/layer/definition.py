"""A layer with a standard name must compute the function of that name.

Finds a slope with the wrong sign, a constant of another variant, and an activation under the wrong name: mistakes
that a gradient check can't see, because forward and backward agree.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.contracts.declared import declared_value, inside_domain
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.laws.layer._dropout import (
    check_dropout,
    check_gaussian_dropout,
    is_dropout_of_maps,
    is_gaussian_dropout,
)
from nnlaw.spec.laws.layer._shared import mismatch
from nnlaw.spec.reference import ACTIVATIONS, LAYERS, NORMALIZATIONS, Given, Settings, standard_name
from nnlaw.spec.reference.definition import Variant
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.hyperparameters import numeric_attributes
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import Cause, NotApplicable, Violation

RANGES = {"sigmoid": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "softmax": (0, 1), "relu6": (0, 6)}

TOLERANCE = 1e-4
FAR_APART = 1000.0  # exp(-1000) is 0 in float64
OF_THE_BATCH = Cause(
    "maximum-of-the-batch", "the maximum of the whole batch is subtracted, which must be that of each sample"
)
VARIED = {"dense", "flatten"}
"""Names that people give to many functions: in code that is not registered they define none of them."""


@law(
    "definition",
    kind="layer",
    family="numerics",
    statement="A layer with a standard name must compute the function of that name.",
    why="Forward and backward can agree and both be wrong. Results of such a network can't be compared with anything "
    "published under that name.",
    depends_on=("gradient", "stable", "normalized", "independent-samples"),
)
def definition(case: LayerCase) -> None:
    """The output is compared with the reference implementation of the name, in each of its accepted variants.

    At x and at 6x, in float64 with a tolerance of 1e-4, and the same variant must fit both. Batch normalization is
    compared in training mode, all other layers in evaluation mode. The name is the registered name or `like`.
    """
    if is_gaussian_dropout(case.name if case.registered else case.path.partition("(")[0]):
        check_gaussian_dropout(case, why_compared(case, case.layer, "Gaussian dropout"))
        return
    name = standard_name(case.layer, case.name, LAYERS)
    if not case.registered and is_dropout_of_maps(case.path.partition("(")[0]):
        name = "dropout"
    if name not in LAYERS or (name in VARIED and not case.registered):
        raise NotApplicable("not a standard layer")
    if case.is_second and name != "dropout":
        raise NotApplicable("other settings may make another function of it")
    note = why_compared(case, case.layer, name)
    if name == "dropout" and not case.registered:
        check_dropout(case, note)
        return
    _check_declared_range(case, name)
    layer = in_float64(case.fresh(name == "batchnorm"))
    points = _points(case)
    outputs = [np.array(layer.copy().forward(x), np.float64) for x in points]
    params = {key: np.asarray(array, np.float64) for key, array in layer.params.items()}
    learned = tuple(float(array.item()) for array in params.values() if array.size == 1)
    inputs = tuple(map(tuple, case.layer.attribute("input_shapes", ()) or ()))
    settings = Settings(numeric_attributes(case.layer), learned)
    given = Given(points, params, settings, inputs=inputs, output=outputs[0].shape)
    closest = _closest(name, given, outputs)
    if closest is None:
        raise NotApplicable(f"its shapes or parameters are not those of {name}")
    error, references = closest
    if error <= TOLERANCE or _fits_with_time_first(case, name, given, outputs):
        if name in ("softmax", "log_softmax"):
            _check_samples_apart(case, layer, points[0], outputs[0], note)
        return
    if case.layer.attribute("without_gradient", ()):
        raise NotApplicable("the output depends on an array that has no gradient, so its part is unknown")
    at, found = _everywhere(case, layer, given) if name in ACTIVATIONS else (given, outputs)
    others = (other for other in LAYERS if other not in VARIED and _computes(other, at, found))
    what = next((f"the layer computes {other}, not {name}" for other in others), f"the layer does not compute {name}")
    cause = Cause("other-function", f"{what} as defined by {LAYERS[name].source}")
    for mistake, variant in LAYERS[name].mistakes.items():
        made = _closest(name, at, found, (variant,))
        cause = mistake if made is not None and made[0] <= TOLERANCE else cause
    for y, r in zip(outputs, references, strict=True):
        wrong = ~(np.abs(y - r) <= TOLERANCE * max(1.0, np.abs(r).max()))
        if wrong.any():
            expected = f"the closest {name}"
            raise mismatch(case, "definition", "forward", "output", y, r, cause, wrong, expected, note)


def _check_samples_apart(case: LayerCase, layer: Subject, x: Array, y: Array, note: str) -> None:
    """Each sample may have logits far from those of the others: its probabilities are the same.

    It is checked if the function stays finite where all samples are that large.
    """
    far = np.full((len(x), *[1] * (x.ndim - 1)), FAR_APART)
    apart = np.where(np.arange(len(x)) == 0, 0.0, FAR_APART).reshape(far.shape)
    with np.errstate(all="ignore"):
        together, found = (np.asarray(layer.copy().forward(x + shift), np.float64) for shift in (far, apart))
    if together.shape == y.shape and is_finite(together) and np.abs(together - y).max() <= TOLERANCE:
        wrong = ~(np.abs(found - y) <= TOLERANCE)
        if wrong.any():
            expected = f"as without {FAR_APART:g} in the logits of the other samples"
            raise mismatch(case, "definition", "forward", "output", found, y, OF_THE_BATCH, wrong, expected, note)


def _closest(
    name: str, given: Given, outputs: list[Array], variants: tuple[Variant, ...] = ()
) -> tuple[float, list[Array]] | None:
    """The variant closest to the outputs, with the largest relative error; None if no variant has their shapes."""
    found: tuple[float, list[Array]] | None = None
    for variant in variants or LAYERS[name].variants:
        for references in variant(given):
            pairs = list(zip(outputs, references, strict=True))
            if any(y.shape != r.shape for y, r in pairs):
                continue
            error = max(float(np.abs(y - r).max() / max(1.0, np.abs(r).max())) for y, r in pairs)
            error = error if error == error else np.inf
            if found is None or error < found[0]:
                found = error, references
            if error <= TOLERANCE:
                return found
    return found


def _everywhere(case: LayerCase, layer: Subject, given: Given) -> tuple[Given, list[Array]]:
    """Random inputs of both signs and their outputs: at a small input, such as 0, many functions are the same."""
    x = np.random.default_rng(0).standard_normal(case.x.shape)
    points = [inside_domain(case.layer, scale * x, case.x) for scale in (1.0, -1.0, 3.0, -3.0)]
    return replace(given, points=points), [np.array(layer.copy().forward(point), np.float64) for point in points]


def _computes(name: str, given: Given, outputs: list[Array]) -> bool:
    """Whether the outputs are those of another layer without parameters, or of a normalization."""
    if name not in ACTIVATIONS and name not in NORMALIZATIONS:
        return False
    try:
        closest = _closest(name, given, outputs)
    except (ValueError, IndexError):  # it is not defined for inputs of this shape
        return False
    return closest is not None and closest[0] <= TOLERANCE


def _points(case: LayerCase) -> list[Array]:
    """x and 6x; for integers x, and x in another order."""
    x = case.x.astype(np.float64)
    if not (x % 1).any():
        return [x, x[::-1].copy()]
    return [inside_domain(case.layer, scale * x, case.x) for scale in (1.0, 6.0)]


def _fits_with_time_first(case: LayerCase, name: str, given: Given, outputs: list[Array]) -> bool:
    """Whether a layer of sequences that is not registered has time as its first axis and samples as its second."""
    if case.registered or given.points[0].ndim != 3 or outputs[0].ndim != 3:
        return False
    points, swapped = ([np.swapaxes(array, 0, 1) for array in arrays] for arrays in (given.points, outputs))
    closest = _closest(name, replace(given, points=points, output=swapped[0].shape), swapped)
    return closest is not None and closest[0] <= TOLERANCE


def _check_declared_range(case: LayerCase, name: str) -> None:
    """A declared range wider than that of the function would let wrong outputs pass the law `range`."""
    declared, known = declared_value(case.layer, "range"), RANGES.get(name)
    if declared and known and (declared[0] < known[0] - 0.01 or declared[1] > known[1] + 0.01):
        actual, expected = ("({:g}, {:g})".format(*bounds) for bounds in (declared, known))
        raise Violation(
            "definition",
            location=case.location("forward"),
            array="the declared range",
            actual=actual,
            expected=f"{expected}, the range of {name}",
        )
