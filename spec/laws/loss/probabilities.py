"""What a loss says that predictions mean are probabilities: rows that are non-negative and sum to 1, in which the
class is likeliest that the prediction answers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.contracts.claims import claim, interval
from nnlaw.spec.law import law
from nnlaw.spec.laws.call._shared import SIMPLEX_TOLERANCE
from nnlaw.spec.laws.loss._shared import EXTREME
from nnlaw.spec.subjects.cases import LossCase
from nnlaw.spec.violation import NotApplicable, Violation


@law(
    "probabilities",
    kind="loss",
    family="numerics",
    statement="What a loss says that predictions mean are probabilities: rows that are non-negative and sum to 1, in "
    "which the class is likeliest that the prediction answers.",
    depends_on=("stable", "loss-minimum"),
)
def probabilities(case: LossCase) -> None:
    """The batch, and where any number is allowed far out, rows far apart, all low and all zero too; then each class."""
    shape = case.prediction.shape
    if not hasattr(case.loss, "probabilities"):
        raise NotApplicable("it has no probabilities")
    if len(shape) != 2 or shape[1] < 2:
        raise NotApplicable("a prediction is no row of several classes")
    for prediction in _predictions(case):
        found = _asked(case, prediction)
        sums = found.sum(axis=1, dtype=np.float64)
        off = ~(np.abs(sums - 1) <= SIMPLEX_TOLERANCE[found.dtype.itemsize])
        if off.any():
            at = first_index(off)
            cause = "a softmax that overflows, or is normalized over the wrong axis; a division by 0"
            found_ = f"summing to {sums[at]:.6g}"
            raise _unlikely(case, "probabilities row", found_, "sum 1", cause).with_fields(index=at)
        if (found < 0).any():
            at = first_index(found < 0)
            raise _unlikely(case, "probabilities", f"{found[at]:.6g}", "at least 0", "").with_fields(index=at)
    for c, row in enumerate(_asked(case, _answers(case))):
        if row.argmax() != c:
            actual, cause = f"class {row.argmax()}", "a sign, or another function than that which forward compares"
            raise _unlikely(case, f"the likeliest class of an answer of {c}", actual, f"class {c}", cause)


def _predictions(case: LossCase) -> Iterator[Array]:
    yield case.prediction
    if interval(case.loss) is None:
        far, apart = case.prediction.copy(), case.prediction.copy()
        far[:, 0] = EXTREME
        apart[::2] -= EXTREME
        yield from (far, -far, apart, -apart, -1 - np.abs(case.prediction), 0 * case.prediction)


def _answers(case: LossCase) -> Array:
    """For each class a prediction that answers it, well within the claimed domain."""
    told = np.eye(case.prediction.shape[1], dtype=case.prediction.dtype)
    if claim(case.loss, "targets") == "real" and claim(case.loss, "domain") != "logits":
        return told
    low, high = interval(case.loss) or (-4.0, 4.0)
    low, high = max(low, min(-4.0, high - 8.0)), min(high, max(4.0, low + 8.0))
    answers: Array = (low + (high - low) * (0.1 + 0.8 * told)).astype(told.dtype)
    return answers


def _asked(case: LossCase, prediction: Array) -> Array:
    still = prediction.copy()
    still.setflags(write=False)
    found = np.asarray(case.fresh().probabilities(still))
    if found.shape != prediction.shape or found.dtype.kind != "f":
        actual, expected = f"{found.dtype} of shape {found.shape}", f"floats of shape {prediction.shape}"
        raise _unlikely(case, "probabilities", actual, expected, "")
    return found


def _unlikely(case: LossCase, array: str, actual: str, expected: str, cause: str) -> Violation:
    location = case.location("probabilities")
    return Violation("probabilities", location=location, array=array, actual=actual, expected=expected, cause=cause)
