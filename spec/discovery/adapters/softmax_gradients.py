"""Classes that have only a gradient, named as that of softmax and cross-entropy together.

    Softmax_CrossEntropy().backward(probabilities, targets) -> the gradient by the logits, (p − t) / N

They have no value of their own; the name states it: softmax and cross-entropy.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_loss import AdaptedLoss, LossCode, signature_of
from nnlaw.spec.discovery.adapted_network import USUAL_LOSSES
from nnlaw.spec.discovery.adapters.losses import (
    GRADIENTS,
    VALUES,
    found_reading,
    has_method,
    mismatch,
    roles_of,
)
from nnlaw.spec.discovery.calls import Randomness, constructions
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.layouts import LAYOUTS
from nnlaw.spec.discovery.nothing import class_location
from nnlaw.spec.discovery.scenarios import Scenario
from nnlaw.spec.discovery.scope import Scope

ENTROPY = re.compile(r"cross_?entropy|loss|nll", re.I)
NOTE = "value: softmax and cross-entropy, after its name"


def adapt(scope: Scope) -> Iterator[Found]:
    """The classes of the module that have such a gradient and no value."""
    randomness = Randomness.of(scope.module)
    for name, kind in list(scope.classes.items()):
        gradient = next((method for method in GRADIENTS if has_method(kind, method)), "")
        if not gradient or any(has_method(kind, method) for method in VALUES) or not _is_named(name):
            continue
        rows: list[tuple[float, AdaptedLoss]] = []
        for made in constructions(kind, scope, limit=1):
            names = [row.name for row in signature_of(getattr(made.instance, gradient))]
            roles = roles_of(names) if len(names) == 2 else []
            values = mean_cross_entropy, cross_entropy  # both are in use
            for order, value, targets in itertools.product(roles, values, ("labels", "one-hot")):
                code = LossCode(made.instance, value, ("p", "t"), gradient, order)
                scenario = Scenario("real", targets)
                loss = AdaptedLoss(code, scenario, LAYOUTS["rows"], randomness, link="softmax")
                with contextlib.suppress(Exception):  # it takes other targets
                    rows.append((mismatch(loss, *scenario.draw(np.random.default_rng(1), 5, 3)), loss))
        if rows:
            best = min(rows, key=lambda row: row[0])
            yield found_reading(name, f"class with {gradient} alone", class_location(kind), kind, [best], (name,), NOTE)


def _is_named(name: str) -> bool:
    return "softmax" in name.lower() and bool(ENTROPY.search(name))


def cross_entropy(probabilities: Array, targets: Array) -> float:
    """−Σ t·log p, a sum over the batch."""
    rows = np.eye(probabilities.shape[1])[targets] if targets.ndim == 1 else targets
    return USUAL_LOSSES["cross-entropy of the output"](np.maximum(probabilities, 1e-300), rows)


def mean_cross_entropy(probabilities: Array, targets: Array) -> float:
    """Its mean over the batch."""
    return cross_entropy(probabilities, targets) / len(probabilities)
