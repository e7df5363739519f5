"""Shared by the laws of models: a violation at one of the model's methods, and the loss in training mode."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import NO_CAUSE, Cause, Violation


def violation(
    case: ModelCase,
    law: str,
    method: str,
    array: str,
    actual: str,
    expected: str,
    cause: Cause = NO_CAUSE,
    index: tuple[int, ...] | None = None,
) -> Violation:
    """A violation located at `method` of the model."""
    return Violation(
        law,
        location=case.location(method),
        array=array,
        index=index,
        actual=actual,
        expected=expected,
        cause=cause.text,
        cause_code=cause.code,
    )


MIN_SIZE = 16  # entries of an array from which a scale can be estimated
LARGE, SMALL = 4.0, 0.1  # times the standard deviation of He initialization


def wrong_scale(model: Any) -> Cause | None:
    """The weights of an untrained model that are the furthest from the scale of He initialization, if any are far.

    Both axes may be the inputs, so a scale is too large or too small only if it is for both.
    """
    found: list[tuple[float, Cause]] = []
    for name, array in model.params.items():
        weights = np.asarray(array, np.float64)
        if weights.ndim < 2 or weights.size < MIN_SIZE or not weights.any():
            continue
        fans = sorted((weights.shape[0], weights.size // weights.shape[0]))
        size, usual = float(np.sqrt(np.mean(weights**2))), [float(np.sqrt(2 / fan)) for fan in fans]
        between = f"{usual[1]:.2g}" if fans[0] == fans[1] else f"{usual[1]:.2g} to {usual[0]:.2g}"
        text = f"initial weights that are too {{}}: their root mean square in {name} is {size:.2g}, with He {between}"
        if size > LARGE * usual[0]:
            found.append((size / usual[0], Cause("large-initial-weights", text.format("large"))))
        elif size < SMALL * usual[1]:
            found.append((usual[1] / size, Cause("small-initial-weights", text.format("small"))))
    return max(found, key=lambda row: row[0])[1] if found else None


def check_training_unchanged(
    case: ModelCase, law: str, method: str, model: Any, x: Array, labels: Array
) -> float | None:
    """Raise a violation if the training loss of `model`, whose `method` was called, is not that of a fresh model.

    Returns the training loss, or None if it is random.
    """
    first, second, after = (float(m.loss_and_grads(x, labels)[0]) for m in (case.fresh(), case.fresh(), model))
    if first != second:
        return None
    if not np.isclose(after, first, rtol=1e-3, atol=1e-6):
        cause = Cause(
            "left-in-evaluation-mode",
            f"often layers that {method} leaves in evaluation mode, so that training continues without dropout",
        )
        array = f"the training loss after {method}"
        raise violation(case, law, method, array, f"{after:.6g}", f"{first:.6g}, as without the call", cause)
    return first


def trains_as_it_evaluates(case: ModelCase, x: Array, labels: Array) -> bool:
    """Whether the loss in training mode equals that in evaluation mode, as far as this can be inferred.

    It does if the model draws no random numbers, and the loss of the batch is the mean of the losses of its samples.
    """
    model = case.fresh()
    before = model.generator_states()
    try:
        losses = [float(model.loss_and_grads(x[i : i + 1], labels[i : i + 1])[0]) for i in range(len(x))]
    except ValueError:  # a model may reject a batch of one sample
        return False
    same = np.isclose(float(case.fresh().loss_and_grads(x, labels)[0]), np.mean(losses), rtol=1e-4, atol=1e-6)
    return bool(same) and model.generator_states() == before
