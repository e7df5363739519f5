"""Remarks on code that is not registered: properties that only laws of registered code check.

    remarks_of_layer(layer, x)      ("forward returns nan for inputs of 1000",)

A remark never changes an outcome.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.adapted_layer import AdaptedLayer, unpacked
from nnlaw.spec.discovery.adapted_loss import AdaptedLoss

LARGE = 1000.0


def remarks_of_layer(layer: AdaptedLayer, x: Array) -> tuple[str, ...]:
    """Whether large inputs give nan, a second backward another result, evaluation mode a random output, and a second
    batch an exception.
    """
    found: list[str] = []
    for remark in (_large_inputs, _second_backward, _random_in_evaluation, _second_batch):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # calls that it need not support
            found += remark(copy.deepcopy(layer), x)
    return tuple(found)


def remarks_of_loss(loss: AdaptedLoss, prediction: Array, target: Array) -> tuple[str, ...]:
    """Whether a loss of any numbers is finite for large ones, and a second backward gives the same gradient."""
    found: list[str] = []
    with contextlib.suppress(Exception), np.errstate(all="ignore"):  # it is called in a way that it need not support
        if loss.scenario.domain == "real" and not np.isfinite(loss.forward(LARGE * prediction, target)):
            found.append(f"the loss is not finite for predictions of about {LARGE:g}")
        if loss.is_used_up(prediction, target):
            found.append("a second backward after one forward gives another gradient")
    return tuple(found)


def _large_inputs(layer: AdaptedLayer, x: Array) -> Iterator[str]:
    if layer.plan.integers or layer.params:
        return
    large = np.where(np.arange(x.size).reshape(x.shape) % 3 == 0, LARGE, -LARGE)
    if is_finite(layer.forward(x)) and not is_finite(layer.forward(large)):
        yield f"the output for inputs of {LARGE:g} and {-LARGE:g} has nan or inf"


def _second_backward(layer: AdaptedLayer, x: Array) -> Iterator[str]:
    if any(place.where == "step" for place in layer.plan.grads.values()):
        return
    y = layer.forward(x)
    dy = np.random.default_rng(3).standard_normal(y.shape)
    run, results = layer.runs[0], []
    for _ in range(2):
        try:
            run.backward([layer.plan.layout.split(part)[0].copy() for part in unpacked(dy, layer.shapes)])
        except Exception as error:
            yield f"a second backward after one forward raises {type(error).__name__}"
            return
        results.append({name: run.gradient(name) for name in layer.plan.grads})
    added = [
        name for name, first in results[0].items()
        if first.any() and np.allclose(results[1][name], 2 * first, rtol=1e-9, atol=0)  # not what rounding leaves
    ]  # fmt: skip
    if added:
        yield f"a second backward adds to the gradient of {', '.join(added)}"


def _random_in_evaluation(layer: AdaptedLayer, x: Array) -> Iterator[str]:
    outputs = []
    for skip in (0, 7):
        layer.seeds = np.random.default_rng(0)
        layer.seeds.bit_generator.advance(skip)  # type: ignore[attr-defined]  # PCG64 has it
        outputs.append(layer.forward(x))
    if not layer.has_mode and not np.array_equal(outputs[0], outputs[1]):
        yield "the output is random, and it has no mode for evaluation"


def _second_batch(layer: AdaptedLayer, x: Array) -> Iterator[str]:
    layer.backward(np.ones_like(layer.forward(x)))
    try:
        layer.runs[0].start(layer.plan.split(x)[0])
    except (AssertionError, RuntimeError) as error:
        yield f"forward raises {type(error).__name__} for a second batch, so no batch after the first was compared"
