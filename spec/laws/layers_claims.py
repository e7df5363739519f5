"""What a layer claims, it does; what holds near zero holds far out; and what is saved is all that there is to save."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.contracts.claims import claim, interval, within
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.law import law
from nnlaw.spec.laws.layers import close, differ, modes, some_dy
from nnlaw.spec.subjects.cases import LayerCase, copied
from nnlaw.spec.subjects.sampling import FAR, capped
from nnlaw.spec.violation import DoesNotApply, Violation


@law(
    "stable",
    kind="layer",
    family="output range",
    statement="Output and gradients stay finite at zero and at extreme input within the claimed domain (±1e4 unless "
    "claimed).",
    rests_on=("gradient", "independent-samples"),
)
def stable(case: LayerCase) -> None:
    """All high, all low, mixed, and all zero, in float32 and in float64, forward and backward."""
    bounds = capped(*(interval(case.layer) or (-FAR, FAR)))
    extreme = max(abs(bound) for bound in bounds)
    for training in modes(case):
        for probe in (case.x, -case.x, np.abs(case.x), -np.abs(case.x), 0 * case.x):
            for dtype in (np.float32, np.float64):
                x: Array = np.clip(np.sign(probe) * extreme, *bounds).astype(dtype)
                layer = case.fresh(training) if dtype is np.float32 else in_float64(case.fresh(training))
                y = np.array(layer.forward(x))
                found = {"output": y, "dx": np.asarray(layer.backward(some_dy(case, y)))}
                for name, array in (found | dict(getattr(layer, "grads", None) or {})).items():
                    _sound(case, name, array, x)


def _sound(case: LayerCase, name: str, array: Array, x: Array) -> None:
    if not is_finite(array):
        at = first_index(~np.isfinite(array))
        raise Violation(
            "stable",
            where=case.where("forward" if name == "output" else "backward"),
            array=name,
            index=at,
            actual=f"{array[at]} for input between {x.min():g} and {x.max():g} in {x.dtype}",
            expected="a finite number",
            cause="exp that overflows, a logarithm of 0 or a division by 0; or claim domain = (low, high)",
        )


@law(
    "monotone",
    kind="layer",
    family="output range",
    statement="Where monotone = True is claimed, no output falls as the inputs rise.",
    rests_on=("pure",),
)
def monotone(case: LayerCase) -> None:
    """The batch, and the batch raised by several amounts, in float64."""
    if not claim(case.layer, "monotone"):
        raise DoesNotApply("monotone is not claimed")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    before = np.array(layer.forward(x))
    for rise in (1e-2, 0.3, 1.0, 5.0):
        after = layer.forward(within(case.layer, x + rise, x))
        fallen = after < before - 1e-9 * np.abs(before)
        if fallen.any():
            differ(case, "monotone", "forward", f"the output at x + {rise:g}", after, before, "", fallen)


@law(
    "odd",
    kind="layer",
    family="output range",
    statement="Where odd = True is claimed, f(−x) = −f(x).",
    rests_on=("pure",),
)
def odd(case: LayerCase) -> None:
    """In float64."""
    if not claim(case.layer, "odd"):
        raise DoesNotApply("odd is not claimed")
    layer, x = in_float64(case.fresh(False)), case.x.astype(np.float64)
    wanted = -np.array(layer.forward(x))
    close(case, "odd", "forward", "the output for −x", layer.forward(-x), wanted, "", 1e-6)


@law(
    "round-trip",
    kind="layer",
    family="reproducibility",
    statement="params and state, copied into a fresh layer, predict the same: nothing else needs to be saved.",
    rests_on=("registered", "train-eval", "pure", "gradient"),
)
def round_trip(case: LayerCase) -> None:
    """After a few steps of training, in which params and state moved; the fresh layer is built anew where it can be."""
    old = case.fresh(True)
    for x in (case.other, case.x, case.other):
        old.backward(some_dy(case, old.forward(x)))
    for name, array in (getattr(old, "params", None) or {}).items():
        array += (0.1 * case.rng.standard_normal(array.shape)).astype(array.dtype)
        old.params[name] = array
    new = copied(case.make(np.random.default_rng(case.seed + 1)))[0] if case.make else case.fresh()
    for holder in ("params", "state"):
        saved = getattr(old, holder, None) or {}
        if set(saved) != set(getattr(new, holder, None) or {}):
            raise DoesNotApply(f"the keys of {holder} are not those of a fresh layer")
        for name, array in saved.items():
            getattr(new, holder)[name] = np.array(array)
    old.training = new.training = False
    cause = f"{_unsaved(old, new)}, which training moves or chance made, and which is neither in params nor in state"
    close(case, "round-trip", "forward", "output after loading", new.forward(case.x), old.forward(case.x), cause)


def _unsaved(old: Any, new: Any) -> str:
    """The arrays that the layer holds by itself, and that a fresh one holds with other numbers."""
    fresh = vars(new)
    names = [
        f"self.{name}"
        for name, held in vars(old).items()
        if isinstance(held, np.ndarray) and isinstance(fresh.get(name), np.ndarray) and held.dtype.kind == "f"
        and held.shape == fresh[name].shape and not np.array_equal(held, fresh[name])
    ]
    return " and ".join(names) or "something"
