"""The laws of a layer: its gradient is right, belongs to the latest forward, and is its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from spec.arrays import Array, first_index
from spec.cases import LayerCase
from spec.claims import claim, within
from spec.gradient import check_layer
from spec.law import law
from spec.violation import DoesNotApply, Violation


@law(
    "pure",
    kind="layer",
    family="reproducibility",
    statement="In eval mode the same input gives the same output, and a later call leaves an earlier output alone.",
)
def pure(case: LayerCase) -> None:
    """Two calls on one instance with another in between."""
    layer = case.fresh()
    layer.training = False
    first = layer.forward(case.x)
    kept = first.copy()
    layer.forward(within(layer, -case.x, case.x))
    _equal(case, "pure", "forward", "the earlier output", first, kept, "an output buffer that is used again")
    _equal(case, "pure", "forward", "output", layer.forward(case.x), kept, "state that forward leaves behind")


@law(
    "gradient",
    kind="layer",
    family="convergence",
    statement="backward gives the gradient of forward, for the input and for every parameter.",
)
def gradient(case: LayerCase) -> None:
    """Finite differences at two scales of input, and again after the parameters have moved."""
    rng = case.rng
    layer = case.fresh()
    for scale in (1.0, 0.3):
        point = case.x.astype(np.float64)
        check_layer(layer, within(layer, scale * point, point), rng, path=case.path)
    if getattr(layer, "params", None):
        for name, array in layer.params.items():
            layer.params[name] = array + 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
        check_layer(layer, case.x, rng, path=case.path)


@law(
    "repeatable-backward",
    kind="layer",
    family="reproducibility",
    statement="backward called twice with the same dy gives the same gradients twice.",
    rests_on=("gradient",),
)
def repeatable_backward(case: LayerCase) -> None:
    """Catches gradients that pile up and caches that are used up."""
    layer = case.fresh()
    dy = _some_dy(case, layer.forward(case.x))
    first = _answers(layer, dy)
    for name, again in _answers(layer, dy).items():
        _equal(case, "repeatable-backward", "backward", name, again, first[name], "gradients added up over calls")


@law(
    "stale-gradient",
    kind="layer",
    family="reproducibility",
    statement="backward answers the latest forward of its own instance, whatever was computed before or elsewhere.",
    rests_on=("pure", "gradient", "repeatable-backward"),
)
def stale_gradient(case: LayerCase) -> None:
    """An instance with a past, and a twin that computes in between, against an instance without either."""
    clean, used, twin = case.fresh(), case.fresh(), case.fresh()
    for layer in (clean, used, twin):
        layer.training = False
    dy = _some_dy(case, clean.forward(case.x))
    expected = _answers(clean, dy)
    other = within(clean, case.x[::-1] * case.x.dtype.type(1.5), case.x[::-1])
    used.backward(_some_dy(case, used.forward(other)))
    used.forward(case.x)
    twin.forward(other)
    for name, answer in _answers(used, dy).items():
        _equal(
            case,
            "stale-gradient",
            "backward",
            name,
            answer,
            expected[name],
            "a cache of an earlier forward, or one that instances share",
        )


@law(
    "independent-samples",
    kind="layer",
    family="shape",
    statement="A row's output depends on that row alone, unless the layer claims couples_samples.",
    rests_on=("pure",),
)
def independent_samples(case: LayerCase) -> None:
    """Judged in eval mode: the batch against its rows one at a time."""
    if claim(case.layer, "couples_samples"):
        raise DoesNotApply("the layer claims couples_samples")
    layer = case.fresh()
    layer.training = False
    together = layer.forward(case.x)
    alone = np.concatenate([layer.forward(row[None]) for row in case.x])
    scale = float(np.abs(together).max(initial=1e-30))
    off = ~np.isclose(together, alone, rtol=1e-4, atol=1e-5 * scale)
    if off.any():
        at = first_index(off)
        raise Violation(
            "independent-samples",
            where=case.where("forward"),
            array="output",
            index=at,
            actual=f"{together[at]:.6g} in a batch of {len(case.x)}",
            expected=f"{alone[at]:.6g}, as for that row alone",
            cause="a statistic taken over the wrong axis; if it is meant, claim couples_samples = True",
        )


def _some_dy(case: LayerCase, y: Array) -> Array:
    return case.rng.standard_normal(y.shape).astype(y.dtype)


def _answers(layer: Any, dy: Array) -> dict[str, Array]:
    """dx and every parameter's gradient, copied so that the next call cannot change them."""
    layer.needs_dx = True
    found = {"dx": np.array(layer.backward(dy))}
    return found | {f"d{name}": np.array(g) for name, g in (getattr(layer, "grads", None) or {}).items()}


def _equal(case: LayerCase, code: str, method: str, name: str, found: Array, wanted: Array, cause: str) -> None:
    if not np.array_equal(found, wanted, equal_nan=True):
        at = first_index(found != wanted)
        raise Violation(
            code,
            where=case.where(method),
            array=name,
            index=at,
            actual=f"{found[at]:.6g}",
            expected=f"{wanted[at]:.6g}",
            cause=cause,
        )
