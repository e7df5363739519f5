"""Lessons that the laws give a network, on its own arrays: a few plain steps, or Adam until a batch is known by heart.

    stepped(case)                        a copy after three plain gradient steps
    for loss in adam(model, x, labels, rate): ...
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import ModelCase

HEART_STEPS = 400  # Adam steps to learn a tiny batch by heart


def stepped(case: ModelCase) -> Any:
    """A copy of the model after three plain gradient steps."""
    model = case.fresh()
    for _ in range(3):
        _, grads = model.loss_and_grads(case.x, case.labels)
        for name in model.params:
            model.params[name] = model.params[name] - 0.1 * np.asarray(grads[name])
    return model


def adam(model: Any, x: Array, labels: Array, rate: float) -> Any:
    """Textbook Adam on the model's own arrays; yields the loss of each step, and stops when there is little left."""
    m = {name: np.zeros_like(array) for name, array in model.params.items()}
    v = {name: np.zeros_like(array) for name, array in model.params.items()}
    for t in range(1, HEART_STEPS + 1):
        loss, grads = model.loss_and_grads(x, labels)
        yield float(loss)
        if loss < 0.01 or not np.isfinite(loss):
            return
        for name in model.params:
            g = np.asarray(grads[name])
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g * g
            step = rate * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            model.params[name] = (model.params[name] - step).astype(model.params[name].dtype)
