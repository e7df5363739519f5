"""The method `probabilities` of a loss must return probabilities, those of its own forward.

It finds a softmax that overflows, that is normalized over the wrong axis, or that forward does not use.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.declared import declared_value, domain_of
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import SIMPLEX_TOLERANCE
from nnlaw.spec.laws.loss._shared import EXTREME
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NO_CAUSE, Cause, NotApplicable, Violation

NOT_NORMALIZED = Cause(
    "not-normalized", "often a softmax that overflows, that is normalized over the wrong axis, or that divides by 0"
)
OTHER_FUNCTION = Cause("other-function", "often a wrong sign, or another function than the one that forward uses")


@law(
    "probabilities",
    kind="loss",
    family="numerics",
    statement="`probabilities` returns rows that are non-negative and sum to 1, with the predicted class on top.",
    why="Training uses forward, prediction uses `probabilities`. If the two differ, a well trained network reports "
    "wrong classes or nan.",
    depends_on=("stable", "loss-minimum"),
)
def probabilities(case: LossCase) -> None:
    """Call `probabilities` on the batch; without a declared domain, also with the first class at ±1e4, with every
    second row moved by ±1e4, with all predictions negative, and with zeros. Rows must be non-negative and sum to 1. A
    clear prediction of a class must get its largest probability for that class. The predictions passed are read-only.
    """
    shape = case.prediction.shape
    if not case.loss.has("probabilities"):
        raise NotApplicable("it has no method probabilities")
    if len(shape) != 2 or shape[1] < 2:
        raise NotApplicable("predictions are not rows of several classes")
    for prediction in _predictions(case):
        found = _probabilities(case, prediction)
        sums = found.sum(axis=1, dtype=np.float64)
        off = ~(np.abs(sums - 1) <= SIMPLEX_TOLERANCE[found.dtype.itemsize])
        if off.any():
            at = first_index(off)
            raise _wrong(case, "row sum", f"{sums[at]:.6g}", "1", NOT_NORMALIZED).with_fields(index=at)
        if (found < 0).any():
            at = first_index(found < 0)
            raise _wrong(case, "probability", f"{found[at]:.6g}", "at least 0").with_fields(index=at)
    for c, row in enumerate(_probabilities(case, _clear_predictions(case))):
        if row.argmax() != c:
            array, actual = f"the likeliest class for a clear prediction of class {c}", f"class {row.argmax()}"
            raise _wrong(case, array, actual, f"class {c}", OTHER_FUNCTION)


def _predictions(case: LossCase) -> Iterator[Array]:
    yield case.prediction
    if domain_of(case.loss) is None:
        far, apart = case.prediction.copy(), case.prediction.copy()
        far[:, 0] = EXTREME
        apart[::2] -= EXTREME
        yield from (far, -far, apart, -apart, -1 - np.abs(case.prediction), 0 * case.prediction)


def _clear_predictions(case: LossCase) -> Array:
    """For each class a row that predicts it clearly, well within the declared domain."""
    hot = np.eye(case.prediction.shape[1], dtype=case.prediction.dtype)
    if declared_value(case.loss, "targets") == "real" and declared_value(case.loss, "domain") != "logits":
        return hot
    low, high = domain_of(case.loss) or (-4.0, 4.0)
    low, high = max(low, min(-4.0, high - 8.0)), min(high, max(4.0, low + 8.0))
    rows: Array = (low + (high - low) * (0.1 + 0.8 * hot)).astype(hot.dtype)
    return rows


def _probabilities(case: LossCase, prediction: Array) -> Array:
    """Probabilities of a read-only copy of these predictions. Raises Violation if they have another shape or dtype."""
    fixed = prediction.copy()
    fixed.setflags(write=False)
    found = np.asarray(case.fresh().call("probabilities", fixed))
    if found.shape != prediction.shape or found.dtype.kind != "f":
        actual, expected = f"{found.dtype} of shape {found.shape}", f"floats of shape {prediction.shape}"
        raise _wrong(case, "the result", actual, expected)
    return found


def _wrong(case: LossCase, array: str, actual: str, expected: str, cause: Cause = NO_CAUSE) -> Violation:
    return Violation(
        "probabilities",
        location=case.location("probabilities"),
        array=array,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )
