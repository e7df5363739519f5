"""What the laws of this kind share."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.subjects.copies import copy_with_generators, generator_states
from nnlaw.spec.violation import Violation


def accuse(
    case: ModelCase,
    code: str,
    array: str,
    actual: str,
    expected: str,
    cause: str = "",
    index: tuple[int, ...] | None = None,
) -> None:
    """Raise the Violation at the place of the method that showed it."""
    method = "predict" if code not in ("labels", "loss-mean") else "loss_and_grads"
    location = case.location(method)
    raise Violation(code, location=location, array=array, index=index, actual=actual, expected=expected, cause=cause)


def plain(case: ModelCase, x: Array, labels: Array) -> bool:
    """Whether training computes the same loss as eval, as far as can be told: it draws nothing, and couples nothing.

    The loss of the batch is then the mean of those of its samples one at a time.
    """
    model, generators = copy_with_generators(case.model)
    before = generator_states(generators)
    try:
        each = [float(model.loss_and_grads(x[i : i + 1], labels[i : i + 1])[0]) for i in range(len(x))]
    except ValueError:  # a batch of one may be refused
        return False
    same = np.isclose(float(case.fresh().loss_and_grads(x, labels)[0]), np.mean(each), rtol=1e-4, atol=1e-6)
    return bool(same) and generator_states(generators) == before
