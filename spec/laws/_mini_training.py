"""Short trainings that laws run on a copy of a network, without an optimizer of nn.

    after_three_steps(case)                    a copy of the model after three plain gradient steps
    for loss in train(model, x, labels, rate)  Adam on one batch, until it is overfit
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.subjects.cases import ModelCase

MAX_STEPS = 400  # Adam steps that are enough to overfit a tiny batch


def after_three_steps(case: ModelCase) -> Any:
    """A copy of the model after three plain gradient steps with learning rate 0.1."""
    model = case.fresh()
    for _ in range(3):
        _, grads = model.loss_and_grads(case.x, case.labels)
        for name in model.params:
            model.params[name] = model.params[name] - 0.1 * np.asarray(grads[name])
    return model


def train(model: Any, x: Array, labels: Array, rate: float) -> Iterator[float]:
    """Train the model in place with Adam; yield the loss before each step, and stop below 0.01 or at NaN."""
    m = {name: np.zeros_like(array) for name, array in model.params.items()}
    v = {name: np.zeros_like(array) for name, array in model.params.items()}
    for t in range(1, MAX_STEPS + 1):
        loss, grads = model.loss_and_grads(x, labels)
        yield float(loss)
        if loss < 0.01 or not np.isfinite(loss):
            return
        params = model.params
        for name in params:
            g = np.asarray(grads[name])
            m[name] = 0.9 * m[name] + 0.1 * g
            v[name] = 0.999 * v[name] + 0.001 * g * g
            step = rate * (m[name] / (1 - 0.9**t)) / (np.sqrt(v[name] / (1 - 0.999**t)) + 1e-8)
            params[name] = (params[name] - step).astype(params[name].dtype)
