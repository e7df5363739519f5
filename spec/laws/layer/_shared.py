"""Shared by the laws of layers: the gradients of one backward pass, and comparisons that raise a violation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.cases import LayerCase
from nnlaw.spec.subjects.subject import Subject
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

CALLS = 8  # consecutive calls to compare: in a single one, two random outputs may be equal by chance
ROWS = 64  # samples from which statistics are estimated


def random_dy(case: LayerCase, y: Array) -> Array:
    """A Gaussian incoming gradient with the shape and dtype of y."""
    return case.rng.standard_normal(y.shape).astype(y.dtype)


def gradients_of(layer: Subject, dy: Array) -> dict[str, Array]:
    """dx and the gradient of every parameter, copied, so that the next call can't change them."""
    return layer.gradients(dy)


def gradients_at(layer: Subject, x: Array, dy: Array) -> dict[str, Array]:
    """The gradients of one forward and one backward pass of a new copy."""
    run = layer.run([("forward", [x]), ("backward", [dy])])
    return {"dx": np.array(run.results[1])} | {f"d{name}": np.array(g) for name, g in run.grads.items()}


def outputs_of(layer: Subject, x: Array) -> list[Array]:
    """The outputs of consecutive calls of a new copy."""
    return [np.asarray(y) for y in layer.run([("forward", [x])] * CALLS).results]


def modes(case: LayerCase) -> Iterator[bool]:
    """Values of `training`: False, then True if the layer draws no random numbers."""
    yield False
    if not case.is_random:
        yield True


def check_equal(
    case: LayerCase,
    law: str,
    method: str,
    array: str,
    actual: Array,
    expected: Array,
    cause: Cause = NO_CAUSE,
    note: str = "",
) -> None:
    """Raise a violation unless `actual` equals `expected` bit for bit."""
    if not np.array_equal(actual, expected, equal_nan=True):
        wrong = actual != expected if np.shape(actual) == np.shape(expected) else None
        raise mismatch(case, law, method, array, actual, expected, cause, wrong, note)


def check_close(
    case: LayerCase,
    law: str,
    method: str,
    array: str,
    actual: Array,
    expected: Array,
    cause: Cause = NO_CAUSE,
    tolerance: float = 1e-4,
    note: str = "",
) -> None:
    """Raise a violation unless `actual` equals `expected` within the roundoff of sums taken in another order."""
    wrong = None
    if np.shape(actual) == np.shape(expected):
        atol = tolerance / 10 * float(np.abs(expected).max(initial=1e-30, where=np.isfinite(expected)))
        wrong = ~np.isclose(actual, expected, rtol=tolerance, atol=atol, equal_nan=True)
    if wrong is None or wrong.any():
        raise mismatch(case, law, method, array, actual, expected, cause, wrong, note)


def mismatch(
    case: LayerCase,
    law: str,
    method: str,
    array: str,
    actual: Array,
    expected: Array,
    cause: Cause,
    wrong: Array | None,
    note: str = "",
    remark: str = "",
) -> Violation:
    """The violation at the first entry for which `wrong` is true; without `wrong`, a violation about the shapes.

    `note` describes the expected value, `remark` is a line of its own.
    """
    at = None if wrong is None else first_index(wrong)
    value = str(np.shape(expected)) if at is None else f"{expected[at]:.6g}"
    return Violation(
        law,
        location=case.location(method),
        array=array,
        parameter=array[1:] if method == "backward" and array != "dx" else "",
        index=at,
        actual=f"of shape {np.shape(actual)}" if at is None else f"{actual[at]:.6g}",
        expected=f"{value} ({note})" if note else value,
        cause=cause.text,
        cause_code=cause.code,
        note=remark,
    )


def skip_if_samples_are_coupled(case: LayerCase) -> None:
    """Raise NotApplicable if the layer declares that a row of its output depends on other rows."""
    if declared_value(case.layer, "couples_samples"):
        raise NotApplicable("the layer declares couples_samples")
