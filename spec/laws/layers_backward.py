"""The laws of `backward`: the gradient of forward, linear in dy, an answer to the latest forward of its instance."""

from __future__ import annotations

import copy

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.contracts.claims import within
from nnlaw.spec.gradcheck.gradients import check_layer, in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layers import answers, close, equal, some_dy
from nnlaw.spec.subjects.cases import LayerCase


@law(
    "gradient",
    kind="layer",
    family="convergence",
    statement="backward gives the gradient of forward, for the input and for every parameter.",
    rests_on=("registered", "seeded"),
)
def gradient(case: LayerCase) -> None:
    """Finite differences at three scales of input, once more when the parameters moved, and in eval if it differs."""
    rng = case.rng
    layer, point = case.fresh(True), case.x.astype(np.float64)
    for scale in (1.0, 0.3, 8.0):  # the last beyond where functions are capped, as at 6
        check_layer(layer, within(layer, scale * point, point), rng, path=case.path)
    if getattr(layer, "params", None):
        for name, array in layer.params.items():
            layer.params[name] = array + 0.1 * rng.standard_normal(array.shape).astype(array.dtype)
        check_layer(layer, point, rng, path=case.path)
    if not np.array_equal(case.fresh(True).forward(case.x), case.fresh(False).forward(case.x)):
        layer.training = False
        check_layer(layer, point, rng, path=case.path)


@law(
    "linear-backward",
    kind="layer",
    family="convergence",
    statement="backward is linear in dy: zero gives zero, a multiple the same multiple, a sum the sum.",
    rests_on=("gradient",),
)
def linear_backward(case: LayerCase) -> None:
    """Each answer from a fresh copy in float64, so that nothing is left over from another."""
    template, point = in_float64(case.fresh()), case.x.astype(np.float64)

    def answer(dy: Array) -> dict[str, Array]:
        probe = copy.deepcopy(template)
        probe.forward(point)
        return answers(probe, dy)

    shape = copy.deepcopy(template).forward(point)
    one, two = some_dy(case, shape), np.roll(some_dy(case, shape), 1, axis=-1)
    first, second = answer(one), answer(two)
    trials = [(f"{k:g}·dy", k * one, {name: k * g for name, g in first.items()}) for k in (0, 2, 1e3, 1e-3)]
    trials.append(("dy₁ + dy₂", one + two, {k: g + second[k] for k, g in first.items()}))
    cause = "something besides a product with dy: a constant, a clip, a mask or a norm taken from dy"
    for what, dy, wanted in trials:
        for name, found in answer(dy).items():
            tolerance = 1e-3 if found.dtype.itemsize < 8 or shape.dtype.itemsize < 8 else 1e-7
            close(case, "linear-backward", "backward", f"{name} for {what}", found, wanted[name], cause, tolerance)


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
    dy = some_dy(case, layer.forward(case.x))
    first = answers(layer, dy)
    for name, again in answers(layer, dy).items():
        doubled = np.allclose(again, 2 * first[name], rtol=1e-4) and first[name].any()
        cause = "gradients added up over calls" if doubled else "a cache that backward uses up or writes over"
        equal(case, "repeatable-backward", "backward", name, again, first[name], cause)


@law(
    "stale-gradient",
    kind="layer",
    family="reproducibility",
    statement="backward answers the latest forward of its own instance, whatever was computed before or elsewhere.",
    rests_on=("pure", "gradient", "repeatable-backward"),
)
def stale_gradient(case: LayerCase) -> None:
    """An instance with a past, then one beside a twin that computes in between, against one without either."""
    clean, used, twin = (case.fresh(False) for _ in range(3))
    dy = some_dy(case, clean.forward(case.x))
    expected = answers(clean, dy)
    used.backward(some_dy(case, used.forward(case.other)))
    used.forward(case.x)
    for name, answer in answers(used, dy).items():
        cause = "a cache of an earlier forward of this instance"
        equal(case, "stale-gradient", "backward", name, answer, expected[name], cause)
    used.forward(case.x)
    twin.forward(case.other)
    found = answers(used, dy)
    twin.backward(2 * dy)
    for name, answer in (found | {f"d{k}": g for k, g in (getattr(used, "grads", None) or {}).items()}).items():
        cause = "a cache or a gradient that instances share, as on the class or in the module"
        equal(case, "stale-gradient", "backward", name, answer, expected[name], cause)
